// Declares what the form of a poll asks of the poll's kind. Each kind answers from a folder of its own,
// `<kind>/in-studio-form.ts`.

import type { NewPoll, Poll } from "../api/generated";
import type { Said } from "../studio/edit/said";
import choice, { type ChoiceFields } from "./choice/in-studio-form";
import number, { type NumberFields } from "./number/in-studio-form";
import points, { type PointsFields } from "./points/in-studio-form";
import ranking, { type RankingFields } from "./ranking/in-studio-form";
import rating, { type RatingFields } from "./rating/in-studio-form";
import words, { type WordsFields } from "./words/in-studio-form";

/**
 * `OwnFields` holds the fields that kinds add to a form. What is written for one kind stays while another is
 * tried.
 */
export type OwnFields = ChoiceFields & RatingFields & RankingFields & PointsFields & NumberFields & WordsFields;

/** `Asked` is what a new poll of any one kind has beside the members of every kind. */
type Asked<New> = New extends unknown ? Omit<New, Exclude<keyof NewPoll, "kind">> : never;

/** A `FormKind` is a kind's part of the form in which a poll is written. */
export type FormKind<P extends Poll = Poll, Fields = object> = {
  /** The words for how each person answers, by the API's words for the kind. */
  readonly ways: Partial<Record<Poll["kind"], string>>;
  /** The fields of a new poll. */
  readonly blank: Fields;
  /** The fields that are one thing with the kind to whoever writes. */
  readonly withKind: readonly (keyof Fields)[];
  /** The fields that the server judges together: what it says of one goes with a change of any. */
  readonly together?: readonly (keyof Fields)[];
  /** The member of a poll that has the texts of the form's rows; null where it has no rows. */
  readonly list: string | null;
  /** The fewest and the most rows. */
  readonly fewest: number;
  readonly most: number;
  /**
   * The members of a change by the field that was touched, where their names differ. With the kind go all
   * members that it has.
   */
  readonly members: { readonly kind: readonly string[]; readonly rows: readonly string[] } & {
    readonly [field in keyof Fields]?: readonly string[];
  };
  /** Returns the fields of a poll. */
  read(poll: P): Fields;
  /** Returns the members of a new poll that has these texts in its rows. */
  body(kind: P["kind"], texts: string[], fields: Fields): Asked<NewPoll>;
  /** Says the kind that somebody else has chosen, with the fields that belong to it. */
  saidKind(kind: Poll["kind"], theirs: Partial<Fields>): string;
  /** Says somebody else's value of each other field. */
  readonly said: Said<Fields>;
};

/** A kind that is given polls and fields of its own only, which the compiler cannot know. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyKind = FormKind<any, any>;

const FORMS: Record<Poll["kind"], AnyKind> = {
  single: choice,
  multiple: choice,
  rating,
  ranking,
  points,
  number,
  words,
};

/** Returns the form's part of a kind. */
export const formOf = (kind: Poll["kind"]): AnyKind => FORMS[kind];

const EVERY = [...new Set(Object.values(FORMS))];
/** Joins what each kind has under this name. */
const joined = (part: "ways" | "blank" | "said") => Object.assign({}, ...EVERY.map((kind) => kind[part]));

/** The kinds that are offered, each with the words for how people answer. */
export const WAYS = Object.entries(joined("ways")) as [Poll["kind"], string][];
/** The own fields of a new poll. */
export const BLANK: OwnFields = joined("blank");
/** Returns the own fields that a poll of none of these kinds has. */
export const foreignTo = (...kinds: Poll["kind"][]): (keyof OwnFields)[] =>
  (Object.keys(BLANK) as (keyof OwnFields)[]).filter((field) => !kinds.some((kind) => field in formOf(kind).blank));
/** Returns the own fields that are one thing with the kind, for a form that has to do with these kinds. */
export const withKind = (...kinds: Poll["kind"][]): (keyof OwnFields)[] => [
  ...new Set(kinds.flatMap((kind) => formOf(kind).withKind as (keyof OwnFields)[])),
];
/** The words for somebody else's value of each own field. */
export const SAID: Said<OwnFields> = joined("said");
/** The name under which earlier releases kept a form's rows on the device. */
export const EARLIER_ROWS = "options";

// Says in words what somebody else has written into a field of a form.

const NOTHING = "nothing";

/** Returns a text in quotation marks, or that there is none. */
export const quoted = (text: string) => (text ? `“${text}”` : NOTHING);
/** Returns some texts as a list. */
export const listed = (items: string[]) => items.map(quoted).join(", ") || NOTHING;

/** `Said` has the words for somebody else's value of each field of a form. */
export type Said<Fields> = { [field in keyof Fields]: (theirs: Partial<Fields>) => string };

/** Returns somebody else's value of a field that is being changed here, in words; null if there is none. */
export const wordsOf = <Fields extends object>(
  said: Said<Fields>,
  clashes: Partial<Fields>,
  field: keyof Fields,
): string | null => (field in clashes ? said[field](clashes) : null);

// Holds the words of the phone about ratings, in all its languages. They come with the kind, which is loaded
// only for a rating.

import { phrases, type Texts } from "../../vote/words.svelte";

const en = {
  start: { one: "Tap to rate", other: "Rate as many as you like" },
  some: "{marked} of {n} rated",
  all: "All {n} rated",
  send: { one: "Send my rating", other: "Send my ratings" },
  sendSome: "Send {marked} of {n} ratings",
  change: { one: "Change my rating", other: "Change my ratings" },
  clear: "Clear",
  clearOne: "Clear: {text}",
  step: "{step} of {top}",
  end: "{step} of {top}: {label}",
  ratings: { one: "{n} rating", other: "{n} ratings" },
  nobody: "Nobody has rated this yet",
  mean: "{text}: {mean} of {top}.",
  between: "Highest: {high}, {most} of {top}. Lowest: {low}, {least} of {top}.",
  yours: { one: "Your rating", other: "Your ratings" },
  mark: "{text}: {step}",
  statement: "Statement",
  average: "Average",
  count: "Ratings",
};

type Own = Texts<keyof typeof en>;

const de: Own = {
  start: { one: "Zum Bewerten tippen", other: "Bewerten Sie, was Sie möchten" },
  some: "{marked} von {n} bewertet",
  all: "Alle {n} bewertet",
  send: { one: "Bewertung senden", other: "Bewertungen senden" },
  sendSome: "{marked} von {n} Bewertungen senden",
  change: { one: "Bewertung ändern", other: "Bewertungen ändern" },
  clear: "Entfernen",
  clearOne: "Entfernen: {text}",
  step: "{step} von {top}",
  end: "{step} von {top}: {label}",
  ratings: { one: "{n} Bewertung", other: "{n} Bewertungen" },
  nobody: "Noch von niemandem bewertet",
  mean: "{text}: {mean} von {top}.",
  between: "Am höchsten: {high}, {most} von {top}. Am niedrigsten: {low}, {least} von {top}.",
  yours: { one: "Ihre Bewertung", other: "Ihre Bewertungen" },
  mark: "{text}: {step}",
  statement: "Aussage",
  average: "Mittelwert",
  count: "Bewertungen",
};

const es: Own = {
  start: { one: "Toca para valorar", many: "Valora las que quieras", other: "Valora las que quieras" },
  some: "{marked} de {n} valoradas",
  all: "Las {n} valoradas",
  send: { one: "Enviar mi valoración", many: "Enviar mis valoraciones", other: "Enviar mis valoraciones" },
  sendSome: "Enviar {marked} de {n} valoraciones",
  change: { one: "Cambiar mi valoración", many: "Cambiar mis valoraciones", other: "Cambiar mis valoraciones" },
  clear: "Quitar",
  clearOne: "Quitar: {text}",
  step: "{step} de {top}",
  end: "{step} de {top}: {label}",
  ratings: { one: "{n} valoración", many: "{n} de valoraciones", other: "{n} valoraciones" },
  nobody: "Nadie la ha valorado todavía",
  mean: "{text}: {mean} de {top}.",
  between: "La más alta: {high}, {most} de {top}. La más baja: {low}, {least} de {top}.",
  yours: { one: "Tu valoración", many: "Tus valoraciones", other: "Tus valoraciones" },
  mark: "{text}: {step}",
  statement: "Afirmación",
  average: "Media",
  count: "Valoraciones",
};

const hi: Own = {
  start: { one: "रेटिंग देने के लिए टैप करें", other: "जितनों को चाहें, रेटिंग दें" },
  some: "{n} में से {marked} को रेटिंग दी",
  all: "सभी {n} को रेटिंग दी",
  send: { one: "मेरी रेटिंग भेजें", other: "मेरी रेटिंग भेजें" },
  sendSome: "{n} में से {marked} रेटिंग भेजें",
  change: { one: "मेरी रेटिंग बदलें", other: "मेरी रेटिंग बदलें" },
  clear: "हटाएँ",
  clearOne: "हटाएँ: {text}",
  step: "{top} में से {step}",
  end: "{top} में से {step}: {label}",
  ratings: { one: "{n} रेटिंग", other: "{n} रेटिंग" },
  nobody: "अभी तक किसी ने रेटिंग नहीं दी",
  mean: "{text}: {top} में से {mean}।",
  between: "सबसे ज़्यादा: {high}, {top} में से {most}। सबसे कम: {low}, {top} में से {least}।",
  yours: { one: "आपकी रेटिंग", other: "आपकी रेटिंग" },
  mark: "{text}: {step}",
  statement: "कथन",
  average: "औसत",
  count: "रेटिंग",
};

/** The texts of all languages. */
export const WORDS = { en, de, es, hi };
/** Says a text of this kind in the page's language. */
export const say = phrases<keyof typeof en>(WORDS);

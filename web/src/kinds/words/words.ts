// Holds the words of the phone about a poll of words, in all its languages. They come with the kind, which is loaded
// only for such a poll.

import { phrases, type Texts } from "../../vote/words.svelte";

const en = {
  start: { one: "Send a word or a short phrase", other: "Send up to {n} words or short phrases" },
  marked: "Not sent yet",
  missing: "Write a word first",
  send: { one: "Send {n} word", other: "Send {n} words" },
  change: { one: "Change to {n} word", other: "Change to {n} words" },
  shorten: "Shorten what is too long",
  word: "Word {n} of {most}",
  only: "Your word",
  left: { one: "{n} character left", other: "{n} characters left" },
  long: "Too long, please shorten it",
  again: "Same as word {n}, counts once",
  refused: "Please change this word",
  stands: "What you sent still stands",
  barred: "“{word}” cannot be used here.",
  approve: "Your words appear once the organiser has approved them.",
  heard: "Words so far",
  own: "yours",
  more: { one: "and {n} more", other: "and {n} more" },
  unseen: { one: "{n} vote is for a word not shown here.", other: "{n} votes are for words not shown here." },
  lead: "Most often: {words} ({n})",
  yours: { one: "Your word", other: "Your words" },
  column: "Word",
  people: "People",
  share: "Share",
};

type Own = Texts<keyof typeof en>;

const de: Own = {
  start: { one: "Ein Wort oder kurzen Ausdruck senden", other: "Bis zu {n} Wörter oder kurze Ausdrücke senden" },
  marked: "Noch nicht gesendet",
  missing: "Zuerst ein Wort schreiben",
  send: { one: "{n} Wort senden", other: "{n} Wörter senden" },
  change: { one: "In {n} Wort ändern", other: "In {n} Wörter ändern" },
  shorten: "Zu Langes bitte kürzen",
  word: "Wort {n} von {most}",
  only: "Ihr Wort",
  left: { one: "Noch {n} Zeichen", other: "Noch {n} Zeichen" },
  long: "Zu lang, bitte kürzen",
  again: "Wie Wort {n}, zählt einmal",
  refused: "Bitte dieses Wort ändern",
  stands: "Das Gesendete bleibt gültig",
  barred: "„{word}“ ist hier nicht möglich.",
  approve: "Ihre Wörter erscheinen, sobald sie freigegeben sind.",
  heard: "Wörter bisher",
  own: "von Ihnen",
  more: { one: "und {n} weiteres", other: "und {n} weitere" },
  unseen: {
    one: "{n} Stimme ist für ein Wort, das hier nicht steht.",
    other: "{n} Stimmen sind für Wörter, die hier nicht stehen.",
  },
  lead: "Am häufigsten: {words} ({n})",
  yours: { one: "Ihr Wort", other: "Ihre Wörter" },
  column: "Wort",
  people: "Personen",
  share: "Anteil",
};

const es: Own = {
  start: {
    one: "Envía una palabra o frase corta",
    many: "Envía hasta {n} de palabras o frases cortas",
    other: "Envía hasta {n} palabras o frases cortas",
  },
  marked: "Aún sin enviar",
  missing: "Primero escribe una palabra",
  send: { one: "Enviar {n} palabra", many: "Enviar {n} de palabras", other: "Enviar {n} palabras" },
  change: { one: "Cambiar a {n} palabra", many: "Cambiar a {n} de palabras", other: "Cambiar a {n} palabras" },
  shorten: "Acorta lo que es muy largo",
  word: "Palabra {n} de {most}",
  only: "Tu palabra",
  left: { one: "Queda {n} carácter", many: "Quedan {n} de caracteres", other: "Quedan {n} caracteres" },
  long: "Muy larga, acórtala",
  again: "Igual que la {n}, cuenta una vez",
  refused: "Cambia esta palabra",
  stands: "Lo que enviaste sigue valiendo",
  barred: "Aquí no se puede usar «{word}».",
  approve: "Tus palabras aparecen cuando se aprueban.",
  heard: "Palabras hasta ahora",
  own: "tuya",
  more: { one: "y {n} más", many: "y {n} más", other: "y {n} más" },
  unseen: {
    one: "{n} voto es para una palabra que no se muestra aquí.",
    many: "{n} de votos son para palabras que no se muestran aquí.",
    other: "{n} votos son para palabras que no se muestran aquí.",
  },
  lead: "Más frecuente: {words} ({n})",
  yours: { one: "Tu palabra", many: "Tus palabras", other: "Tus palabras" },
  column: "Palabra",
  people: "Personas",
  share: "Porcentaje",
};

const hi: Own = {
  start: { one: "एक शब्द या छोटा वाक्यांश भेजें", other: "{n} तक शब्द या छोटे वाक्यांश भेजें" },
  marked: "अभी भेजा नहीं गया",
  missing: "पहले कोई शब्द लिखें",
  send: { one: "{n} शब्द भेजें", other: "{n} शब्द भेजें" },
  change: { one: "बदलकर {n} शब्द करें", other: "बदलकर {n} शब्द करें" },
  shorten: "जो लंबा है उसे छोटा करें",
  word: "शब्द {n}, कुल {most}",
  only: "आपका शब्द",
  left: { one: "{n} अक्षर बाकी", other: "{n} अक्षर बाकी" },
  long: "बहुत लंबा है, छोटा करें",
  again: "शब्द {n} जैसा, एक बार गिना जाएगा",
  refused: "कृपया यह शब्द बदलें",
  stands: "आपने जो भेजा, वह मान्य है",
  barred: "“{word}” का यहाँ उपयोग नहीं हो सकता।",
  approve: "मंज़ूरी मिलने पर आपके शब्द दिखेंगे।",
  heard: "अब तक के शब्द",
  own: "आपका",
  more: { one: "और {n}", other: "और {n}" },
  unseen: { one: "{n} वोट यहाँ न दिखने वाले शब्द का है।", other: "{n} वोट यहाँ न दिखने वाले शब्दों के हैं।" },
  lead: "सबसे ज़्यादा: {words} ({n})",
  yours: { one: "आपका शब्द", other: "आपके शब्द" },
  column: "शब्द",
  people: "लोग",
  share: "हिस्सा",
};

/** The texts of all languages. */
export const WORDS = { en, de, es, hi };
/** Says a text of this kind in the page's language. */
export const say = phrases<keyof typeof en>(WORDS);

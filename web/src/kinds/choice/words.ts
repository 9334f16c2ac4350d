// Holds the words of the phone about choices, in all its languages. They come with the kind, which is loaded
// only for a choice.

import { phrases, type Texts } from "../../vote/words.svelte";

const en = {
  tap: "Tap an option to vote",
  marked: "Not sent yet",
  choose: { one: "Choose one option", other: "Choose up to {n} options" },
  left: { one: "{n} more may be chosen", other: "{n} more may be chosen" },
  noneLeft: "No more may be chosen",
  change: "Change my vote",
  choice: "Your choice",
  option: "Option",
  votesColumn: "Votes",
  share: "Share",
  leads: "{option} leads with {share}.",
  wins: "{option} has won with {share}.",
  level: "Several are level.",
};

type Own = Texts<keyof typeof en>;

const de: Own = {
  tap: "Zum Abstimmen antippen",
  marked: "Noch nicht gesendet",
  choose: { one: "Eine Antwort wählen", other: "Bis zu {n} Antworten wählen" },
  left: { one: "Noch {n} Antwort wählbar", other: "Noch {n} Antworten wählbar" },
  noneLeft: "Mehr sind nicht wählbar",
  change: "Stimme ändern",
  choice: "Ihre Wahl",
  option: "Antwort",
  votesColumn: "Stimmen",
  share: "Anteil",
  leads: "{option} führt mit {share}.",
  wins: "{option} hat mit {share} gewonnen.",
  level: "Es steht unentschieden.",
};

const es: Own = {
  tap: "Toca una opción para votar",
  marked: "Aún sin enviar",
  choose: { one: "Elige una opción", many: "Elige hasta {n} de opciones", other: "Elige hasta {n} opciones" },
  left: { one: "Puedes elegir {n} más", many: "Puedes elegir {n} más", other: "Puedes elegir {n} más" },
  noneLeft: "No puedes elegir más",
  change: "Cambiar mi voto",
  choice: "Tu elección",
  option: "Opción",
  votesColumn: "Votos",
  share: "Porcentaje",
  leads: "{option} va en cabeza con el {share}.",
  wins: "{option} ha ganado con el {share}.",
  level: "Hay un empate.",
};

const hi: Own = {
  tap: "वोट देने के लिए विकल्प पर टैप करें",
  marked: "अभी भेजा नहीं गया",
  choose: { one: "{n} विकल्प चुनें", other: "{n} विकल्प तक चुनें" },
  left: { one: "{n} विकल्प और चुन सकते हैं", other: "{n} विकल्प और चुन सकते हैं" },
  noneLeft: "और विकल्प नहीं चुन सकते",
  change: "मेरा वोट बदलें",
  choice: "आपकी पसंद",
  option: "विकल्प",
  votesColumn: "वोट",
  share: "हिस्सा",
  leads: "{option} {share} के साथ आगे है।",
  wins: "{option} {share} के साथ जीता।",
  level: "मुक़ाबला बराबरी पर है।",
};

/** The texts of all languages. */
export const WORDS = { en, de, es, hi };
/** Says a text of this kind in the page's language. */
export const say = phrases<keyof typeof en>(WORDS);

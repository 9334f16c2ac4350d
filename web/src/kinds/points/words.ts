// Holds the words of the phone about points, in all its languages. They come with the kind, which is loaded
// only for a poll for points.

import { phrases, type Texts } from "../../vote/words.svelte";

const en = {
  start: { one: "Give your point", other: "Share out your points" },
  marked: "Not sent yet",
  left: "Points left: {n} of {budget}",
  send: { one: "Send my point", other: "Send my points" },
  sendSome: "Send {given} of {budget} points",
  change: { one: "Change my point", other: "Change my points" },
  even: "Share evenly",
  clear: "Clear",
  more: "One point more: {text}",
  less: "One point less: {text}",
  points: { one: "{n} point", other: "{n} points" },
  leads: "{option} has {share} of all points.",
  wins: "{option} has won with {share} of all points.",
  level: "Several are level, with {share} of all points each.",
  yours: { one: "Your point", other: "Your points" },
  mark: "{text}: {points}",
  option: "Option",
  share: "Share",
  column: "Points",
  people: "People",
};

type Own = Texts<keyof typeof en>;

const de: Own = {
  start: { one: "Vergeben Sie Ihren Punkt", other: "Verteilen Sie Ihre Punkte" },
  marked: "Noch nicht gesendet",
  left: "Punkte übrig: {n} von {budget}",
  send: { one: "Punkt senden", other: "Punkte senden" },
  sendSome: "{given} von {budget} Punkten senden",
  change: { one: "Punkt ändern", other: "Punkte ändern" },
  even: "Gleich verteilen",
  clear: "Zurücksetzen",
  more: "Ein Punkt mehr: {text}",
  less: "Ein Punkt weniger: {text}",
  points: { one: "{n} Punkt", other: "{n} Punkte" },
  leads: "{option} hat {share} aller Punkte.",
  wins: "{option} hat mit {share} aller Punkte gewonnen.",
  level: "Es steht unentschieden, mit je {share} aller Punkte.",
  yours: { one: "Ihr Punkt", other: "Ihre Punkte" },
  mark: "{text}: {points}",
  option: "Antwort",
  share: "Anteil",
  column: "Punkte",
  people: "Personen",
};

const es: Own = {
  start: { one: "Da tu punto", many: "Reparte tus puntos", other: "Reparte tus puntos" },
  marked: "Aún sin enviar",
  left: "Puntos restantes: {n} de {budget}",
  send: { one: "Enviar mi punto", many: "Enviar mis puntos", other: "Enviar mis puntos" },
  sendSome: "Enviar {given} de {budget} puntos",
  change: { one: "Cambiar mi punto", many: "Cambiar mis puntos", other: "Cambiar mis puntos" },
  even: "Repartir por igual",
  clear: "Borrar",
  more: "Un punto más: {text}",
  less: "Un punto menos: {text}",
  points: { one: "{n} punto", many: "{n} de puntos", other: "{n} puntos" },
  leads: "{option} tiene el {share} de los puntos.",
  wins: "{option} ha ganado con el {share} de los puntos.",
  level: "Hay un empate, con el {share} de los puntos cada una.",
  yours: { one: "Tu punto", many: "Tus puntos", other: "Tus puntos" },
  mark: "{text}: {points}",
  option: "Opción",
  share: "Porcentaje",
  column: "Puntos",
  people: "Personas",
};

const hi: Own = {
  start: { one: "अपना अंक दें", other: "अपने अंक बाँटें" },
  marked: "अभी भेजा नहीं गया",
  left: "{budget} में से {n} अंक बाकी",
  send: { one: "मेरा अंक भेजें", other: "मेरे अंक भेजें" },
  sendSome: "{budget} में से {given} अंक भेजें",
  change: { one: "मेरा अंक बदलें", other: "मेरे अंक बदलें" },
  even: "बराबर बाँटें",
  clear: "सब साफ़ करें",
  more: "एक अंक ज़्यादा: {text}",
  less: "एक अंक कम: {text}",
  points: { one: "{n} अंक", other: "{n} अंक" },
  leads: "{option} को कुल अंकों का {share} मिला है।",
  wins: "{option} की जीत: कुल अंकों का {share}।",
  level: "मुक़ाबला बराबरी पर है, हरेक को कुल अंकों का {share} मिला है।",
  yours: { one: "आपका अंक", other: "आपके अंक" },
  mark: "{text}: {points}",
  option: "विकल्प",
  share: "हिस्सा",
  column: "अंक",
  people: "लोग",
};

/** The texts of all languages. */
export const WORDS = { en, de, es, hi };
/** Says a text of this kind in the page's language. */
export const say = phrases<keyof typeof en>(WORDS);

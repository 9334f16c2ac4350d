// Holds the words of the phone about rankings, in all its languages. They come with the kind, which is loaded
// only for a ranking.

import { phrases, type Texts } from "../../vote/words.svelte";

const en = {
  all: "Tap them in your order, best first, or drag them.",
  best: { one: "You can give {n} place.", other: "You can give {n} places." },
  start: "Begin with the best",
  some: "{marked} of {n} places given",
  send: "Send my ranking",
  change: "Change my ranking",
  placed: "place {place} of {n}",
  none: "no place",
  up: "One place up: {text}",
  down: "One place down: {text}",
  points: { one: "{n} point", other: "{n} points" },
  mean: "mean {mean}",
  stands: "Rank {rank}, {points}, mean place {mean}, first places: {first}",
  nobody: "Nobody has ranked this yet",
  leads: "{option} leads with {points}.",
  wins: "{option} has won with {points}.",
  level: "Several are level.",
  yours: "Your ranking",
  option: "Option",
  score: "Points",
  average: "Mean",
  firsts: "First",
};

type Own = Texts<keyof typeof en>;

const de: Own = {
  all: "Tippen Sie die Antworten der Reihe nach an, die beste zuerst, oder ziehen Sie sie.",
  best: { one: "Sie können {n} Platz vergeben.", other: "Sie können {n} Plätze vergeben." },
  start: "Beginnen Sie mit dem Besten",
  some: "{marked} von {n} Plätzen vergeben",
  send: "Reihenfolge senden",
  change: "Reihenfolge ändern",
  placed: "Platz {place} von {n}",
  none: "kein Platz",
  up: "Einen Platz nach oben: {text}",
  down: "Einen Platz nach unten: {text}",
  points: { one: "{n} Punkt", other: "{n} Punkte" },
  mean: "Ø {mean}",
  stands: "Rang {rank}, {points}, mittlerer Platz {mean}, {first}-mal auf Platz 1",
  nobody: "Noch von niemandem eingeordnet",
  leads: "{option} führt: {points}.",
  wins: "{option} hat gewonnen: {points}.",
  level: "Es steht unentschieden.",
  yours: "Ihre Reihenfolge",
  option: "Antwort",
  score: "Punkte",
  average: "Ø Platz",
  firsts: "Platz 1",
};

const es: Own = {
  all: "Tócalas en tu orden, de la mejor a la peor, o arrástralas.",
  best: { one: "Puedes dar {n} puesto.", many: "Puedes dar {n} puestos.", other: "Puedes dar {n} puestos." },
  start: "Empieza por la mejor",
  some: "{marked} de {n} puestos asignados",
  send: "Enviar mi clasificación",
  change: "Cambiar mi clasificación",
  placed: "puesto {place} de {n}",
  none: "sin puesto",
  up: "Subir un puesto: {text}",
  down: "Bajar un puesto: {text}",
  points: { one: "{n} punto", many: "{n} de puntos", other: "{n} puntos" },
  mean: "media {mean}",
  stands: "Posición {rank}, {points}, puesto medio {mean}, primeros puestos: {first}",
  nobody: "Nadie la ha clasificado todavía",
  leads: "{option} va en cabeza con {points}.",
  wins: "{option} ha ganado con {points}.",
  level: "Hay un empate.",
  yours: "Tu clasificación",
  option: "Opción",
  score: "Puntos",
  average: "Media",
  firsts: "Primera",
};

const hi: Own = {
  all: "अपनी पसंद के क्रम में टैप करें, सबसे अच्छा पहले, या खींचकर क्रम में लगाएँ।",
  best: { one: "आप {n} स्थान दे सकते हैं।", other: "आप {n} स्थान दे सकते हैं।" },
  start: "पहली पसंद से शुरू करें",
  some: "{n} में से {marked} स्थान दिए",
  send: "मेरा क्रम भेजें",
  change: "मेरा क्रम बदलें",
  placed: "{n} में से स्थान {place}",
  none: "कोई स्थान नहीं",
  up: "एक स्थान ऊपर: {text}",
  down: "एक स्थान नीचे: {text}",
  points: { one: "{n} अंक", other: "{n} अंक" },
  mean: "औसत {mean}",
  stands: "रैंक {rank}, {points}, औसत स्थान {mean}, {first} बार पहले स्थान पर",
  nobody: "अभी तक किसी ने इसे स्थान नहीं दिया",
  leads: "{option} {points} के साथ आगे है।",
  wins: "{option} की जीत: {points}।",
  level: "मुक़ाबला बराबरी पर है।",
  yours: "आपका क्रम",
  option: "विकल्प",
  score: "अंक",
  average: "औसत",
  firsts: "पहला",
};

/** The texts of all languages. */
export const WORDS = { en, de, es, hi };
/** Says a text of this kind in the page's language. */
export const say = phrases<keyof typeof en>(WORDS);

// The results once more, as a table: to be read, or listened to.

import type { Poll } from "../api/generated";
import { el, part } from "./dom.svelte";
import type { BallotKind } from "./kind";
import { t } from "./words.svelte";

export function table(poll: () => Poll, kind: BallotKind): Comment {
  // Numbers that are hidden and shown again do not close it.
  let open = $state(false);
  return part(() => poll().totalVotes !== null, (shown) => {
    if (!shown) return null;
    return el("details", { open: () => open, ontoggle: (event: Event) => { open = (event.target as HTMLDetailsElement).open; } },
      el("summary", {}, t("asTable")),
      part(() => open, () => (open ? kind.table(poll) : null)));
  });
}

// Shows results after the vote.

import type { Room } from "../live/room.svelte";
import { follow } from "./follow.svelte";
import type { Voting } from "./voting.svelte";

/** Opens the connection anew after the vote: a connection's voter is the one by whom it was opened. */
export function showAfterVote(room: Room, voting: Voting) {
  let asked = "";
  const vote = () => {
    const { poll, ballot } = voting;
    const hidden = poll.results === "afterVote" && poll.totalVotes === null && ballot.voted;
    return hidden ? `${ballot.now.sent?.ballotId} ${ballot.now.state}` : "";
  };
  follow(vote, (vote) => {
    if (!vote || vote === asked) return;
    asked = vote;
    room.again();
  });
}

// Lists the operations of the API that the screens use, with the shapes of their answers. A page's bundle
// holds only those that it calls. A change is sent until it is answered (`change.svelte.ts`); votes have a
// way of their own.

import { operation } from "./call";
import { change, gone, pollChange, step } from "./change.svelte";
import type * as api from "./generated";
import { EVENT, FILE, LEADERBOARD, NOTHING, WORD_LIST, POLL, RECEIPT } from "./shapes";

const STAGE = { stageToken: "", stageUrl: "" };
const OWNER = { ownerToken: "" };
const WATCHED = { watchers: 0, elsewhere: true };

export const listPolls = /*#__PURE__*/ operation<api.ListPollsData, api.ListPollsResponse>("GET", "/api/polls", {
  polls: [POLL],
  nextCursor: null,
});
export const createPoll = /*#__PURE__*/ change<api.CreatePollData, api.CreatePollResponse>("POST", "/api/polls", POLL);
export const getPoll = /*#__PURE__*/ operation<api.GetPollData, api.GetPollResponse>("GET", "/api/polls/{id}", POLL);
export const editPoll = /*#__PURE__*/ change<api.EditPollData, api.EditPollResponse>("PATCH", "/api/polls/{id}", POLL);
export const deletePoll = /*#__PURE__*/ change<api.DeletePollData, api.DeletePollResponse>(
  "DELETE",
  "/api/polls/{id}",
  NOTHING,
  gone,
);
export const openPoll = /*#__PURE__*/ pollChange<api.OpenPollData>(
  "/api/polls/{id}/open",
  (now) => now.status === "open",
);
export const closePoll = /*#__PURE__*/ pollChange<api.ClosePollData>(
  "/api/polls/{id}/close",
  (now) => now.status === "closed",
);
export const reopenPoll = /*#__PURE__*/ pollChange<api.ReopenPollData>(
  "/api/polls/{id}/reopen",
  (now) => now.status === "open",
);
const reveal = /*#__PURE__*/ change<api.RevealPollData, api.RevealPollResponse>("POST", "/api/polls/{id}/reveal", POLL);
/**
 * Reveals results for good. The phase does not matter, so a close at the same moment is no reason to refuse.
 */
export const revealPoll = ({ path, token }: Parameters<typeof reveal>[0]) => reveal({ path, token });
export const resetPoll = /*#__PURE__*/ pollChange<api.ResetPollData>(
  "/api/polls/{id}/reset",
  (now, was, lost) => lost && now.round > was.round,
);
export const reissueToken = /*#__PURE__*/ change<api.ReissueTokenData, api.ReissueTokenResponse>(
  "POST",
  "/api/polls/{id}/token",
  OWNER,
);
/** Lists the words of a poll for its organiser, the newest first. */
export const listWords = /*#__PURE__*/ operation<api.ListWordsData, api.ListWordsResponse>(
  "GET",
  "/api/polls/{id}/words",
  WORD_LIST,
);
/** Decides which words of a poll are shown. A decision has the same effect however often it is sent. */
export const moderateWords = /*#__PURE__*/ change<api.ModerateWordsData, api.ModerateWordsResponse>(
  "POST",
  "/api/polls/{id}/moderate",
  POLL,
);
export const castBallot = /*#__PURE__*/ operation<api.CastBallotData, api.CastBallotResponse>(
  "POST",
  "/api/polls/{id}/vote",
  RECEIPT,
);
export const getBallot = /*#__PURE__*/ operation<api.GetBallotData, api.GetBallotResponse>(
  "GET",
  "/api/polls/{id}/ballots/{ballotId}",
  RECEIPT,
);
export const getLeaderboard = /*#__PURE__*/ operation<api.GetLeaderboardData, api.GetLeaderboardResponse>(
  "GET",
  "/api/leaderboard",
  LEADERBOARD,
);
export const getPulse = /*#__PURE__*/ operation<api.GetPulseData, api.GetPulseResponse>(
  "GET",
  "/api/polls/{id}/pulse",
  WATCHED,
);
export const getEventPulse = /*#__PURE__*/ operation<api.GetEventPulseData, api.GetEventPulseResponse>(
  "GET",
  "/api/events/{id}/pulse",
  WATCHED,
);
export const getTrend = /*#__PURE__*/ operation<api.GetTrendData, api.GetTrendResponse>(
  "GET",
  "/api/polls/{id}/trend",
  { stepMs: 0, points: null },
);
/** Exports a poll as a file to save. */
export const exportPoll = /*#__PURE__*/ operation<api.ExportPollData, Blob>("GET", "/api/polls/{id}/export", FILE);
export const getStatus = /*#__PURE__*/ operation<api.GetStatusData, api.GetStatusResponse>("GET", "/api/status", {
  mode: "",
  version: "",
  ready: true,
});
export const getAddress = /*#__PURE__*/ operation<api.GetAddressData, api.GetAddressResponse>("GET", "/api/address", {
  url: "",
  phonesCanOpen: true,
});
export const getReplay = /*#__PURE__*/ operation<api.GetReplayData, api.GetReplayResponse>(
  "GET",
  "/api/polls/{id}/replay",
  { from: "", to: "", voters: 0, frames: [{ at: "", votes: [0] }] },
);
export const createEvent = /*#__PURE__*/ change<api.CreateEventData, api.CreateEventResponse>(
  "POST",
  "/api/events",
  EVENT,
);
export const getEvent = /*#__PURE__*/ operation<api.GetEventData, api.GetEventResponse>(
  "GET",
  "/api/events/{id}",
  EVENT,
);
export const editEvent = /*#__PURE__*/ change<api.EditEventData, api.EditEventResponse>(
  "PATCH",
  "/api/events/{id}",
  EVENT,
);
export const deleteEvent = /*#__PURE__*/ change<api.DeleteEventData, api.DeleteEventResponse>(
  "DELETE",
  "/api/events/{id}",
  NOTHING,
  gone,
);
export const addPoll = /*#__PURE__*/ change<api.AddPollData, api.AddPollResponse>(
  "POST",
  "/api/events/{id}/polls",
  POLL,
);
export const showPoll = /*#__PURE__*/ change<api.ShowPollData, api.ShowPollResponse>(
  "POST",
  "/api/events/{id}/show",
  EVENT,
  step,
);
export const getEventStage = /*#__PURE__*/ operation<api.GetEventStageData, api.GetEventStageResponse>(
  "POST",
  "/api/events/{id}/stage",
  STAGE,
);
export const getPollStage = /*#__PURE__*/ operation<api.GetPollStageData, api.GetPollStageResponse>(
  "POST",
  "/api/polls/{id}/stage",
  STAGE,
);
export const reissueEventToken = /*#__PURE__*/ change<api.ReissueEventTokenData, api.ReissueEventTokenResponse>(
  "POST",
  "/api/events/{id}/token",
  OWNER,
);
/** Sends the picture itself: PNG, JPEG or WebP. */
export const putLogo = /*#__PURE__*/ change<Omit<api.PutLogoData, "body"> & { body: Blob }, api.PutLogoResponse>(
  "PUT",
  "/api/events/{id}/logo",
  EVENT,
);
export const deleteLogo = /*#__PURE__*/ change<api.DeleteLogoData, api.DeleteLogoResponse>(
  "DELETE",
  "/api/events/{id}/logo",
  EVENT,
);

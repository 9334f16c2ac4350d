// The operations of the API that the screens use. A page's bundle holds only those it calls.

import { operation } from "./call";
import type * as api from "./generated";

export const listPolls = /*#__PURE__*/ operation<api.ListPollsData, api.ListPollsResponse>("GET", "/api/polls");
export const createPoll = /*#__PURE__*/ operation<api.CreatePollData, api.CreatePollResponse>("POST", "/api/polls");
export const getPoll = /*#__PURE__*/ operation<api.GetPollData, api.GetPollResponse>("GET", "/api/polls/{id}");
export const editPoll = /*#__PURE__*/ operation<api.EditPollData, api.EditPollResponse>("PATCH", "/api/polls/{id}");
export const deletePoll = /*#__PURE__*/ operation<api.DeletePollData, api.DeletePollResponse>("DELETE", "/api/polls/{id}");
export const openPoll = /*#__PURE__*/ operation<api.OpenPollData, api.OpenPollResponse>("POST", "/api/polls/{id}/open");
export const closePoll = /*#__PURE__*/ operation<api.ClosePollData, api.ClosePollResponse>("POST", "/api/polls/{id}/close");
export const reopenPoll = /*#__PURE__*/ operation<api.ReopenPollData, api.ReopenPollResponse>("POST", "/api/polls/{id}/reopen");
export const revealPoll = /*#__PURE__*/ operation<api.RevealPollData, api.RevealPollResponse>("POST", "/api/polls/{id}/reveal");
export const resetPoll = /*#__PURE__*/ operation<api.ResetPollData, api.ResetPollResponse>("POST", "/api/polls/{id}/reset");
export const reissueToken = /*#__PURE__*/ operation<api.ReissueTokenData, api.ReissueTokenResponse>("POST", "/api/polls/{id}/token");
export const castBallot = /*#__PURE__*/ operation<api.CastBallotData, api.CastBallotResponse>("POST", "/api/polls/{id}/vote");
export const getBallot = /*#__PURE__*/ operation<api.GetBallotData, api.GetBallotResponse>("GET", "/api/polls/{id}/ballots/{ballotId}");
export const getLeaderboard = /*#__PURE__*/ operation<api.GetLeaderboardData, api.GetLeaderboardResponse>("GET", "/api/leaderboard");
export const getPulse = /*#__PURE__*/ operation<api.GetPulseData, api.GetPulseResponse>("GET", "/api/polls/{id}/pulse");
export const getEventPulse = /*#__PURE__*/ operation<api.GetEventPulseData, api.GetEventPulseResponse>("GET", "/api/events/{id}/pulse");
export const getTrend = /*#__PURE__*/ operation<api.GetTrendData, api.GetTrendResponse>("GET", "/api/polls/{id}/trend");
/** Asked with `file`. */
export const exportPoll = /*#__PURE__*/ operation<api.ExportPollData, Blob>("GET", "/api/polls/{id}/export");
export const getStatus = /*#__PURE__*/ operation<api.GetStatusData, api.GetStatusResponse>("GET", "/api/status");
export const getAddress = /*#__PURE__*/ operation<api.GetAddressData, api.GetAddressResponse>("GET", "/api/address");
export const getReplay = /*#__PURE__*/ operation<api.GetReplayData, api.GetReplayResponse>("GET", "/api/polls/{id}/replay");
export const createEvent = /*#__PURE__*/ operation<api.CreateEventData, api.CreateEventResponse>("POST", "/api/events");
export const getEvent = /*#__PURE__*/ operation<api.GetEventData, api.GetEventResponse>("GET", "/api/events/{id}");
export const editEvent = /*#__PURE__*/ operation<api.EditEventData, api.EditEventResponse>("PATCH", "/api/events/{id}");
export const deleteEvent = /*#__PURE__*/ operation<api.DeleteEventData, api.DeleteEventResponse>("DELETE", "/api/events/{id}");
export const addPoll = /*#__PURE__*/ operation<api.AddPollData, api.AddPollResponse>("POST", "/api/events/{id}/polls");
export const showPoll = /*#__PURE__*/ operation<api.ShowPollData, api.ShowPollResponse>("POST", "/api/events/{id}/show");
export const getEventStage = /*#__PURE__*/ operation<api.GetEventStageData, api.GetEventStageResponse>("POST", "/api/events/{id}/stage");
export const getPollStage = /*#__PURE__*/ operation<api.GetPollStageData, api.GetPollStageResponse>("POST", "/api/polls/{id}/stage");
export const reissueEventToken = /*#__PURE__*/ operation<api.ReissueEventTokenData, api.ReissueEventTokenResponse>("POST", "/api/events/{id}/token");
/** The picture itself: PNG, JPEG or WebP. */
export const putLogo = /*#__PURE__*/ operation<Omit<api.PutLogoData, "body"> & { body: Blob }, api.PutLogoResponse>("PUT", "/api/events/{id}/logo");
export const deleteLogo = /*#__PURE__*/ operation<api.DeleteLogoData, api.DeleteLogoResponse>("DELETE", "/api/events/{id}/logo");

// Walks a dozen flows in Debian's Firefox and in WebKitGTK, in the same busy hall (`make browsers`). A
// browser that does not start fails the run.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { inkOutside } from "./fonts.mjs";
import { figures } from "./phone.mjs";
import { Pollux } from "./pollux.mjs";
import { until } from "./until.mjs";
import { firefox, webkit } from "./webdriver.mjs";

const ENTER = "\uE007",
  ESCAPE = "\uE00C",
  SPACE = "\uE00D",
  DOWN = "\uE015";
const PHONE = [500, 800],
  WIDE = [1280, 800];

for (const [name, launch] of Object.entries({ firefox, webkit })) {
  describe(name, () => {
    let server, page;
    before(async () => {
      server = await Pollux.start();
      page = await launch();
    });
    after(async () => {
      await page?.close();
      await server?.stop();
    });

    const says = (selector, text) => page.find(selector, text);
    const told = (words) => says("[role=status]", words);
    const checked = () =>
      page.run(() =>
        [...document.querySelectorAll("fieldset input:checked")].map(
          (field) => field.closest("label").querySelector(".text").textContent,
        ),
      );
    const tap = (option) => page.click("fieldset label", option);
    const press = (word) => page.click("button", word);
    const voteIn = (poll) => server.line.heard(new RegExp(`^POST /api/polls/${poll.id}/vote`));
    async function at(path, [width, height] = PHONE) {
      await page.size(width, height);
      await page.go(server.url + path);
    }
    const voting = async (poll) => {
      await at(`/p/${poll.code}`);
      await says("fieldset", poll.options[0].text);
    };
    /** Waits until the page shows that this many more people have voted. */
    const more = async (people) => {
      const seen = () =>
        page.run(() => Number(document.querySelector("main .line .cut").textContent.replace(/\D/g, "")));
      const now = await seen();
      await until(async () => (await seen()) >= now + people, { patience: 15_000 });
    };

    test("join by code, vote, change the vote", async () => {
      const poll = await server.poll("Tea or coffee?", ["Tea", "Coffee"]);
      await at("/");
      await page.type("#code", "", poll.code);
      await press("Join");
      const crowd = server.crowd(poll);
      await tap("Tea");
      await told("Counted");
      await more(3);
      await tap("Coffee");
      await told("Counted");
      const {
          votes: [tea, coffee],
          voters,
        } = await crowd.leave(),
        now = await server.counted(poll, voters + 1);
      assert.deepEqual([...figures(now), now.totalVoters], [tea, coffee + 1, voters + 1]);
      const shown = () =>
        page.run(() => [...document.querySelectorAll("fieldset .result")].map((one) => parseInt(one.textContent, 10)));
      await until(async () => (await shown()).join() === [tea, coffee + 1].join());
    });

    test("each kind's style comes with its script, on a page that the kind was not announced for", async () => {
      const styled = (selector, name) =>
        page.run((of, name) => getComputedStyle(document.querySelector(of))[name], selector, name);
      for (const [poll, selector, name = "position", value = "relative"] of [
        [await server.poll("Tea or coffee?", ["Tea", "Coffee"]), "label.option"],
        [await server.rating("How was it?", ["The tea"]), "label.step"],
        [await server.ranking("In which order?", ["Tea", "Coffee"]), ".grip"],
        [await server.points("What to drink?", ["Tea", "Coffee"]), ".rail"],
        [await server.number("How many cups?"), ".slide"],
        [await server.words("Why tea?"), ".slot", "display", "flex"],
      ]) {
        await at("/");
        await page.type("#code", "", poll.code);
        await press("Join");
        await says("h1", poll.question);
        assert.equal(await styled(selector, name), value);
      }
    });

    test("the marks of a multiple choice outlive other people's votes, and a cut line", async () => {
      const poll = await server.poll("Which days?", ["Mon", "Tue", "Wed", "Thu"], { kind: "multiple", maxChoices: 3 });
      await voting(poll);
      const crowd = server.crowd(poll);
      await tap("Tue");
      await tap("Thu");
      await more(5);
      server.line.cut();
      await more(5);
      assert.deepEqual(await checked(), ["Tue", "Thu"]);
      await press("Vote");
      await told("Counted");
      const { votes, voters } = await crowd.leave(),
        now = await server.counted(poll, voters + 1);
      assert.deepEqual(
        figures(now),
        votes.map((count, i) => count + (i % 2)),
      );
    });

    test("a vote that cannot be taken back needs a second touch", async () => {
      const poll = await server.poll("Who shall chair?", ["Ada", "Grace"], { revote: "refuse" });
      await voting(poll);
      const crowd = server.crowd(poll);
      await tap("Grace");
      await more(3);
      assert.equal(voteIn(poll).length, 0);
      await press("Vote");
      await told("Counted");
      await crowd.leave();
    });

    test("by keyboard: arrows mark, Enter votes", async () => {
      const poll = await server.poll("Without a finger?", ["One", "Two", "Three"]);
      await voting(poll);
      const crowd = server.crowd(poll);
      await page.type("fieldset input", "", DOWN);
      const [mark] = await checked();
      await more(3);
      assert.deepEqual(await checked(), [mark]);
      await page.type("fieldset input:checked", "", ENTER);
      await told("Counted");
      await crowd.leave();
    });

    test("a vote that a portal answers gets through, once, as the same ballot", async () => {
      const poll = await server.poll("At the airport?", ["Yes", "No"]);
      await voting(poll);
      server.line.order(new RegExp(`^POST /api/polls/${poll.id}/vote`), ["portal", "missing"], 2);
      await tap("No");
      await told("Counted");
      const sent = voteIn(poll).map(({ body }) => JSON.parse(body).ballotId);
      assert.ok(sent.length >= 3);
      assert.equal(new Set(sent).size, 1);
      assert.deepEqual(figures(await server.read(poll)), [0, 1]);
    });

    test("the receipt says what became of the vote, and closes", async () => {
      const poll = await server.poll("Signed for?", ["Yes", "No"]);
      await voting(poll);
      await tap("Yes");
      await told("Counted");
      await press("Receipt");
      await says("dialog[open] [role=status]", "Counted");
      await page.type("dialog[open] button", "", ESCAPE);
      await until(() => page.run(() => !document.querySelector("dialog[open]")));
    });

    test("a new round asks again", async () => {
      const poll = await server.poll("Once more?", ["Yes", "No"]);
      await voting(poll);
      await tap("Yes");
      await told("Counted");
      await server.act(poll, "reset");
      await told("A new round has begun");
      await tap("No");
      await told("Counted");
      assert.deepEqual(figures(await server.counted(poll, 1)), [0, 1]);
    });

    test("the stage shows votes as they come", async () => {
      const poll = await server.poll("Faster?", ["Yes", "No"]);
      await at(`/present/${poll.code}`, WIDE);
      await says("h1", "Faster?");
      const {
        votes: [yes, no],
        voters,
      } = await server.crowd(poll, { most: 20, perSecond: 20 }).over();
      await says("footer", `${voters} votes`);
      await says("ol li", `Yes ${yes} ${Math.round((100 * yes) / (yes + no))}%`);
    });

    test("the stage reveals by key", async () => {
      const poll = await server.poll("Sealed?", ["Castor", "Pollux"], { results: "hidden" });
      await server.votes(poll, 2, 4);
      await at(`/present/${poll.id}#token=${poll.ownerToken}`, WIDE);
      await says("h1", "Sealed?");
      assert.doesNotMatch(await page.run(() => document.querySelector("ol").textContent), /\d/);
      await page.type("body", "", SPACE);
      await says("ol li", "Pollux 4 100%");
    });

    test("every letter is whole", async () => {
      const poll = await server.poll("Which city, jury, gypsy quay?", [
        "Hiring people, properly",
        "Prague, Györ, Ångström",
        "مرحبا بالعالم",
      ]);
      for (const [path, size] of [
        [`/present/${poll.id}`, WIDE],
        [`/overlay/${poll.id}`, WIDE],
        [`/p/${poll.code}`, PHONE],
      ]) {
        await at(path, size);
        await says("main, body", "Prague");
        assert.deepEqual(await page.run(inkOutside), [], path);
      }
    });

    test("the studio makes a poll, and closes it", async () => {
      await at("/studio/new", WIDE);
      await page.type("#question", "", "Made by hand?");
      await page.type("[aria-label='Option A']", "", "Yes");
      await page.type("[aria-label='Option B']", "", "No");
      await press("Open now");
      await says("[data-status=open]", "");
      const id = await page.run(() => location.pathname.split("/").pop());
      await server.votes({ id }, 2, 3);
      await says("[data-voters]", "3");
      await press("Close");
      await says("main", "Final");
      assert.equal((await server.read({ id })).status, "closed");
    });

    test("a line that is cut comes back by itself, on the stage too", async () => {
      const poll = await server.poll("Still there?", ["Yes", "No"]);
      await at(`/present/${poll.id}`, WIDE);
      await says("h1", "Still there?");
      server.line.order(/^GET \/(ws|api)/, "missing", 6);
      server.line.cut();
      await server.votes(poll, 1, 2);
      await says("footer", "2 votes");
    });
  });
}

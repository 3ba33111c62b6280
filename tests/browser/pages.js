// What holds of every page, whatever people wrote into it.

import assert from "node:assert/strict";
import axe from "axe-core";

/** As wide as a small telephone. */
const NARROW = { width: 360, height: 740 };
const WIDE = { width: 1280, height: 900 };
const LARGEST = 1_000_000;
/** What turns the direction of reading, for all that stands after it too. */
const TURNS = /[\u202a-\u202e\u2066-\u2069\0]/gu;

/** Says what it must, for its status, in a size that can be read, and nothing that turns what stands beside it around. */
export async function saysWhatItMust({ page, to }, { path, status, says }) {
  const answer = await to(path);
  const bytes = (await answer.body()).length;
  const text = await page.getByRole("main").innerText();
  assert.equal(answer.status(), status, path);
  assert.ok(bytes < LARGEST, `${bytes} bytes`);
  for (const part of says) assert.ok(text.includes(part), `${part} is not in:\n${text.slice(0, 3000)}`);
  assert.deepEqual(await turned(page), []);
  return text;
}

/** The surroundings of all that turns the direction of reading, on the page and in its names for things. */
async function turned(page) {
  const all = await page.evaluate(() => {
    const shown = document.documentElement.cloneNode(true);
    // What people type into a field stays in it, as they typed it.
    shown.querySelectorAll("input").forEach((input) => input.remove());
    return shown.outerHTML;
  });
  return [...all.matchAll(TURNS)].map(({ index }) => all.slice(Math.max(0, index - 60), index + 20));
}

/** Shows all that can be unfolded. */
export async function unfolds({ page }) {
  await page.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
}

/** Everybody can read and use it, by whatever means. */
export async function isAccessible({ page }, colorScheme) {
  await page.emulateMedia({ colorScheme });
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const told = violations.flatMap(({ id, help, nodes }) =>
    nodes.slice(0, 3).map(({ target, failureSummary }) => `${id}: ${help}: ${target}\n${failureSummary}`));
  assert.deepEqual(told, [], told.join("\n"));
}

/** Never wider than a telephone. */
export async function fitsATelephone({ page }) {
  await page.setViewportSize(NARROW);
  const { has, needs, widest } = await page.evaluate(() => {
    const root = document.documentElement;
    const right = (element) => element.getBoundingClientRect().right;
    const beyond = [...document.querySelectorAll("body *")].filter((element) => right(element) > root.clientWidth + 1);
    const shown = beyond.filter((element) => !element.closest(".scroll"));
    return { has: root.clientWidth, needs: root.scrollWidth, widest: shown.slice(0, 5).map((element) => element.outerHTML.slice(0, 200)) };
  });
  await page.setViewportSize(WIDE);
  assert.ok(needs <= has, `it is ${needs} wide, and ${has} are there:\n${widest.join("\n")}`);
}

/** Its links to other pages of the site. */
export async function linksOf({ page }) {
  const all = await page.locator("a").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  const here = new URL(page.url());
  const there = all.map((link) => new URL(link, here)).filter(({ origin }) => origin === here.origin);
  return there.map(({ origin, pathname, search }) => origin + pathname + search).filter((link) => link !== here.href);
}

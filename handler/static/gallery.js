/** The gallery: what each tap does to the session. How it looks is in view.js. */

import { Problem, nextPage, startSession, takeBack } from "./api.js";
import { load, save } from "./memory.js";
import * as view from "./view.js";

// A finger's second tap must not answer a page that nobody has seen yet.
const SETTLE_MS = 300;

/** `page` is in front; `past` holds the items of every page before it, and which of them was liked (or null). */
let session = load();
let busy = false;

const start = async () => ({ page: await startSession(), past: [] });

const answer = (liked) => async () => ({
  page: await nextPage(session.page.session, liked ? [liked.id] : []),
  past: [...session.past, { items: session.page.items, liked }],
});

async function undo() {
  const page = await takeBack(session.page.session);
  const before = session.past.at(-1);
  const reasons = new Map(before.items.map(({ id, reason, because }) => [id, { reason, because }]));
  // The API does not keep why a product was on an earlier page; we do.
  page.items = page.items.map((item) => ({ ...item, ...reasons.get(item.id) }));
  return { page, past: session.past.slice(0, -1) };
}

/** Take one step, show where it leads, and offer a way on if it fails. One at a time. */
async function take(step, { liked, returned } = {}) {
  if (busy) return;
  busy = true;
  view.wait(liked);
  try {
    session = await step();
    save(session);
    await view.show(session, { onLike, liked, returned });
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.passing) view.showProblem(problem, "Retry", () => take(step, { liked, returned }));
    else view.showProblem(problem, "Start over", () => take(start));
  } finally {
    busy = false;
    view.rest(session);
  }
}

function onLike(item) {
  take(answer(item), { liked: item });
}

view.onNone(() => take(answer(null)));
view.onUndo(() => take(undo, { returned: session.past.at(-1).liked }));
view.onRestart(() => take(start));

take(session ? async () => session : start);

/**
 * A session that outlives a reload and can be passed on.
 *
 * The token is in the address, after the `#` that browsers keep to themselves: whoever has the link can go on. It does
 * not say what the page in front showed, nor why, so this tab remembers that beside it. A token that is older than the
 * last answer still works, so a failed write costs nothing but the latest step.
 */

const SESSION = "vitrine";
const WISHES = "vitrine-wishes";
const MARK = "#s=";

/** The token that the address carries, or "". */
export const sharedToken = () => (location.hash.startsWith(MARK) ? location.hash.slice(MARK.length) : "");

/** The session last saved in this tab, unless there is none or the address is about another. */
export function load() {
  const saved = read(SESSION);
  const whole = Array.isArray(saved?.page?.items) && [saved.past, saved.liked, saved.disliked].every(Array.isArray);
  const token = sharedToken();
  return whole && (!token || token === saved.page.session) ? saved : null;
}

export function save(session) {
  write(SESSION, session);
  // Replaced, not pushed: the way back leads out of the gallery, not through tokens.
  history.replaceState(history.state, "", `${MARK}${session.page.session}`);
}

/** What the shopper set: filters and how pages are made. */
export const loadWishes = () => read(WISHES) ?? {};
export const saveWishes = (wishes) => write(WISHES, wishes);

function read(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key));
  } catch {
    return null;
  }
}

function write(key, value) {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Storage is full or forbidden: the page works on, and a reload goes on from the address.
  }
}

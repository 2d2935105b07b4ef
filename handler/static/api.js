/** Requests to the API. Every failure is a `Problem`. */

const TIMEOUT_MS = 20_000;
const TOO_MANY_REQUESTS = 429;

/** Why a request failed, worded for a shopper. Status 0: no answer arrived. */
export class Problem extends Error {
  constructor({ detail, remedy = "", code = "", status = 0 }) {
    super(detail);
    this.remedy = remedy;
    this.code = code;
    this.status = status;
  }

  /** Can the same request succeed later? */
  get passing() {
    return this.status === 0 || this.status === TOO_MANY_REQUESTS || this.status >= 500;
  }
}

const isPage = (answer) => Array.isArray(answer?.items);

export const startSession = (body) => post("sessions", body);
export const nextPage = (body) => post("sessions/next", body);
export const takeBack = (session) => post("sessions/undo", { session });
export const showPage = (session) => post("sessions/show", { session });
export const describeShop = () => ask("bundle", {}, (answer) => Array.isArray(answer?.fields));
// An id may hold slashes, which are part of the path there.
export const product = (id) =>
  ask(`items/${id.split("/").map(encodeURIComponent).join("/")}`, {}, (answer) => answer?.id === id);

/** Answer with a photo as something liked. The fields are `nextPage`'s, as a form writes them. */
export function searchByPhoto(photo, fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (Array.isArray(value)) for (const one of value) form.append(name, one);
    else if (value !== undefined) form.set(name, typeof value === "string" ? value : JSON.stringify(value));
  }
  form.set("image", photo, "photo.jpg");
  return ask("search/image", { method: "POST", body: form }, isPage);
}

/** Search with words: by themselves, or, with a session, as an answer to its page. `signal` calls the request off. */
export const searchByWords = (body, signal) => post("search/text", body, signal);

const post = (path, body, signal) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal }, isPage);

// Relative, because a gateway may serve this page below a stage's name.
async function ask(path, request, expected) {
  const response = await send(`v1/${path}`, request);
  const answer = await response.json().catch(() => null);
  if (response.ok && expected(answer)) return answer;
  throw new Problem({
    detail: answer?.detail ?? `The shop answered in a way that this page does not understand (${response.status}).`,
    remedy: answer?.remedy ?? (answer?.detail ? "" : "Try again in a moment."),
    code: answer?.code ?? "",
    status: response.ok ? 0 : response.status,
  });
}

async function send(url, request) {
  try {
    return await fetch(url, { ...request, signal: request.signal ?? AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    if (!navigator.onLine) {
      throw new Problem({ detail: "You are offline.", remedy: "This continues once you are back." });
    }
    if (error.name === "TimeoutError") {
      throw new Problem({ detail: "The shop takes too long to answer.", remedy: "Try again in a moment." });
    }
    throw new Problem({ detail: "The shop cannot be reached.", remedy: "Check your connection and try again." });
  }
}

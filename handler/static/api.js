/** The session API, and everything that can keep it from answering as a `Problem`. */

const TIMEOUT_MS = 20_000;
const TOO_MANY_REQUESTS = 429;

/** Why a request came to nothing, in words for a shopper. Status 0 means that no answer came at all. */
export class Problem extends Error {
  constructor({ detail, remedy = "", code = "", status = 0 }) {
    super(detail);
    this.remedy = remedy;
    this.code = code;
    this.status = status;
  }

  /** Can the same request succeed later? If not, only a new session helps. */
  get passing() {
    return this.status === 0 || this.status === TOO_MANY_REQUESTS || this.status >= 500;
  }
}

export const startSession = () => post("sessions", {});
export const nextPage = (session, liked) => post("sessions/next", { session, liked });
export const takeBack = (session) => post("sessions/undo", { session });

// Relative, because a gateway may serve this page below a stage's name.
async function post(path, body) {
  const response = await send(`v1/${path}`, body);
  const answer = await response.json().catch(() => null);
  if (response.ok && Array.isArray(answer?.items)) return answer;
  throw new Problem({
    detail: answer?.detail ?? `The shop answered in a way that this page does not understand (${response.status}).`,
    remedy: answer?.remedy ?? (answer?.detail ? "" : "Try again in a moment."),
    code: answer?.code,
    status: response.ok ? 0 : response.status,
  });
}

async function send(url, body) {
  try {
    return await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new Problem({ detail: "The shop cannot be reached.", remedy: "Check your connection and try again." });
  }
}

// The sign-in form: a token by name from a development server, or a pasted one.
import { find } from "./elements.ts";

export interface Account {
  /** A new token from the development server, or the pasted one. */
  token(): Promise<string>;
  /** Gets a token for another user; undefined if the token was pasted. */
  readonly other: ((claims: Claims) => Promise<string>) | undefined;
}

export interface Claims {
  readonly name: string;
  readonly roles?: readonly string[];
  readonly lifetimeSeconds?: number;
}

/** Calls `enter` after each sign-in. */
export function onSignIn(enter: (account: Account) => void): void {
  const name = find<HTMLInputElement>("name");
  const token = find<HTMLTextAreaElement>("token");
  const mayBroadcast = find<HTMLInputElement>("may-broadcast");
  const problem = find("sign-in-error");

  find("by-name").addEventListener("submit", async (event) => {
    event.preventDefault();
    const claims = { name: name.value.trim(), roles: mayBroadcast.checked ? ["broadcaster"] : [] };
    try {
      // Tried once here, because the client would retry a failing token endpoint for ever.
      await fetchToken(claims);
      problem.textContent = "";
      enter({ token: () => fetchToken(claims), other: fetchToken });
    } catch (error) {
      problem.textContent = (error as Error).message;
    }
  });
  find("by-token").addEventListener("submit", (event) => {
    event.preventDefault();
    problem.textContent = "";
    const pasted = token.value.trim();
    token.value = "";
    enter({ token: () => Promise.resolve(pasted), other: undefined });
  });
  (document.documentElement.dataset.signIn === "name" ? name : token).focus();
}

async function fetchToken(claims: Claims): Promise<string> {
  const response = await fetch("/dev/token", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(claims),
  });
  const body = (await response.json()) as { token?: string; message?: string };
  if (body.token === undefined) throw new Error(body.message ?? `the server answered ${response.status}`);
  return body.token;
}

// Where tokens come from: by name from a server for development, or pasted.
import { find } from "./elements.ts";

export interface Account {
  /** A fresh one where the server gives them, else the pasted one. */
  token(): Promise<string>;
  /** undefined where tokens are pasted. */
  readonly other: ((claims: Claims) => Promise<string>) | undefined;
}

export interface Claims {
  readonly name: string;
  readonly roles?: readonly string[];
  readonly lifetimeSeconds?: number;
}

/** Calls `enter` when somebody has signed in. */
export function onSignIn(enter: (account: Account) => void): void {
  const name = find<HTMLInputElement>("name");
  const token = find<HTMLTextAreaElement>("token");
  const mayBroadcast = find<HTMLInputElement>("may-broadcast");
  const problem = find("sign-in-error");

  find("by-name").addEventListener("submit", async (event) => {
    event.preventDefault();
    const claims = { name: name.value.trim(), roles: mayBroadcast.checked ? ["broadcaster"] : [] };
    try {
      // Asked here as well, because a client would try again and again.
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

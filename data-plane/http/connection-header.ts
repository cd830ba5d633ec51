/** What a `Connection` header asks for, of a request or a response. */
export interface ConnectionWishes {
  wantsClose: boolean;
  wantsKeepAlive: boolean;
  wantsUpgrade: boolean;
  connectionNames: readonly string[];
}

const listOfTokens = /^[ \t,]*(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*(?:,[ \t,]*|$))*$/;

/** False when the value is no list of tokens. */
export function parseConnectionHeader(value: string, wishes: ConnectionWishes): boolean {
  if (value === "keep-alive" || value === "Keep-Alive") {
    wishes.wantsKeepAlive = true;
    return true;
  }
  if (value === "close") {
    wishes.wantsClose = true;
    return true;
  }
  if (!listOfTokens.test(value)) return false;
  for (const part of value.toLowerCase().split(",")) {
    const name = part.trim();
    if (name === "") continue;
    if (name === "close") wishes.wantsClose = true;
    else if (name === "keep-alive") wishes.wantsKeepAlive = true;
    else if (name === "upgrade") wishes.wantsUpgrade = true;
    else wishes.connectionNames = [...wishes.connectionNames, name];
  }
  return true;
}

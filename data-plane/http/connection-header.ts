/** What a `Connection` header asks for, of a request or a response. */
export interface ConnectionWishes {
  wantsClose: boolean;
  wantsKeepAlive: boolean;
  wantsUpgrade: boolean;
  connectionNames: readonly string[];
}

const listOfTokens = /^[ \t,]*(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*(?:,[ \t,]*|$))*$/;

/** Far more than anyone needs; each costs a look at every field. */
const maxConnectionNames = 32;

/** False when the value is no list of tokens, or the lists name too many. */
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
  const names = [...wishes.connectionNames];
  for (const part of value.toLowerCase().split(",")) {
    const name = part.trim();
    if (name === "close") wishes.wantsClose = true;
    else if (name === "keep-alive") wishes.wantsKeepAlive = true;
    else if (name === "upgrade") wishes.wantsUpgrade = true;
    else if (name !== "") names.push(name);
    if (names.length > maxConnectionNames) return false;
  }
  wishes.connectionNames = names;
  return true;
}

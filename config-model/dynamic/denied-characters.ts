interface EncodedCharactersConfig {
  readonly allowEncodedSlash: boolean;
  readonly allowEncodedBackSlash: boolean;
  readonly allowEncodedNullCharacter: boolean;
  readonly allowEncodedSemicolon: boolean;
  readonly allowEncodedPercent: boolean;
  readonly allowEncodedQuestionMark: boolean;
  readonly allowEncodedHash: boolean;
}

/** The characters a path may not hold percent-encoded, each once. */
export function deniedCharacters(allowed: EncodedCharactersConfig): string {
  const characters = [
    ["/", allowed.allowEncodedSlash],
    ["\\", allowed.allowEncodedBackSlash],
    ["\0", allowed.allowEncodedNullCharacter],
    [";", allowed.allowEncodedSemicolon],
    ["%", allowed.allowEncodedPercent],
    ["?", allowed.allowEncodedQuestionMark],
    ["#", allowed.allowEncodedHash],
  ] as const;
  return characters
    .filter(([, isAllowed]) => !isAllowed)
    .map(([character]) => character)
    .join("");
}

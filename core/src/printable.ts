const HIDDEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Text from elsewhere as a terminal may show it: characters that move the cursor, change colours or the
 * direction of writing, or can't be seen, become escapes like \u{1b}.
 */
export function printable(text: string): string {
  return text.replace(HIDDEN, (character) =>
    character === '\n' ? '\\n' : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

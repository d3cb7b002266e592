// Texts are sequences of tokens of one width. Each edit inserts a token, whose author and number make it unique, between
// two others, or deletes one. So a text shows which edits are in it.

export const width = 8

// The token of an author's edit.
export function token (author, number) {
  return author.toString(36).padStart(3, '0') + number.toString(36).padStart(4, '0') + ' '
}

export function tokens (text) {
  const list = []
  for (let i = 0; i < text.length; i += width) list.push(text.slice(i, i + width))
  return list
}

// difference returns the replacement that turns before into after: at from, count
// characters are replaced by insert. It never splits a surrogate pair.
export function difference (before, after) {
  let from = 0
  const short = Math.min(before.length, after.length)
  while (from < short && before[from] === after[from]) from++
  if (isHigh(before, from - 1)) from--
  let same = 0
  while (same < short - from && before.at(-1 - same) === after.at(-1 - same)) same++
  if (same > 0 && isLow(before, before.length - same)) same--
  return { from, count: before.length - same - from, insert: after.slice(from, after.length - same) }
}

const isHigh = (text, at) => (text.charCodeAt(at) & 0xfc00) === 0xd800
const isLow = (text, at) => (text.charCodeAt(at) & 0xfc00) === 0xdc00

// The keys by which the cards of a column are ordered: fractions in base 62, without the
// point. There is always another key between two, so that a card is moved by giving it
// another key, and the keys of other cards stay as they are.

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz' // by ascending character codes
const base = digits.length

// between returns a key that is greater than low and less than high. An empty string is
// no bound. The key ends in random digits: users that insert at one place at the same
// time get different keys. If low isn't less than high, the key is only greater than low.
export function between (low, high) {
  let key = ''
  let bounded = high !== ''
  for (let i = 0; ; i++) {
    const from = digit(low, i)
    const to = bounded ? digit(high, i) : base
    if (to - from > 1) {
      // At the beginning or the end of a list the digit is the next one, so that keys stay
      // short where cards are always added at the end.
      const next = low === '' && high !== '' ? to - 1 : high === '' && low !== '' ? from + 1 : (from + to) >> 1
      return key + digits[next] + random()
    }
    key += digits[from]
    bounded &&= to === from && i < Math.max(low.length, high.length)
  }
}

// keyOf returns the key of the card at an index of a list that has no keys. It is less
// than the first key that between returns.
export function keyOf (index) {
  let key = 'V'
  for (let n = Math.min(index, base ** 4 - 1), i = 0; i < 4; n = Math.floor(n / base), i++) key = digits[n % base] + key
  return 'U' + key
}

// digit returns the digit of a key at an index: 0 after its end, and for a character
// that is no digit.
const digit = (key, i) => Math.max(0, digits.indexOf(key.charAt(i) || '0'))

// random returns digits of which the last isn't 0, because no key is between a key and the
// same key with a 0 at its end.
function random () {
  const [a, b, c] = crypto.getRandomValues(new Uint32Array(3))
  return digits[a % base] + digits[b % base] + digits[1 + c % (base - 1)]
}

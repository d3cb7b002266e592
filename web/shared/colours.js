// Each has a contrast of 3:1 to light and dark backgrounds, and of 4.5:1 to white text.
const palette = ['#2c74c9', '#ba5601', '#0c826c', '#9e57af', '#916e0f', '#c14d49', '#087e93', '#ba4c7d', '#378324', '#7066ca']

// choose returns a colour that is not taken, or undefined if all are. For the same name it
// tries the same one first.
export function choose (name, taken) {
  let hash = 0
  for (const char of name) hash = (31 * hash + char.codePointAt()) >>> 0
  const first = hash % palette.length
  return [...palette.slice(first), ...palette.slice(0, first)].find(colour => !taken.includes(colour))
}

// colourOf returns a user's colour, or grey if it isn't a colour in hex: it becomes part of a style.
export function colourOf (user) {
  return /^#[0-9a-f]{6}$/i.test(user?.color) ? user.color : '#6b6b6b'
}

// inkOn returns black or white, the one that has more contrast to the colour.
export function inkOn (colour) {
  const [r, g, b] = [1, 3, 5].map(at => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000000' : '#ffffff'
}

// paint sets a user's colours on an element as custom properties, and returns it.
export function paint (element, user) {
  const colour = colourOf(user)
  element.style.setProperty('--person', colour)
  element.style.setProperty('--person-ink', inkOn(colour))
  return element
}

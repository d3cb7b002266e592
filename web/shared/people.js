import { choose, paint } from './colours.js'

const longest = 40 // characters of a name

// nameOf returns the name to show for the user of an awareness state.
export function nameOf (user) {
  const name = typeof user?.name === 'string' ? user.name.trim() : ''
  return name === '' ? 'Anonymous' : name.slice(0, longest)
}

// showPeople shows the users that are present, and publishes the user's own name and
// colour, whether the user only reads, and since when the page is open. It returns a
// function that changes whether the user only reads.
export function showPeople (awareness, readonly) {
  const list = document.getElementById('people')
  const input = document.getElementById('name')
  const name = remembered() ?? made()
  const me = { name, color: choose(name, []), since: Date.now(), reading: readonly }
  const tell = () => {
    const { reading, ...user } = me
    awareness.setLocalStateField('user', reading ? { ...me } : user)
  }
  const people = () => [...awareness.getStates()].filter(([, state]) => state.user)
  const others = () => people().filter(([id]) => id !== awareness.clientID)
  const taken = () => others().map(([, { user }]) => user.color)

  input.maxLength = longest
  input.value = me.name
  input.addEventListener('input', () => {
    me.name = input.value.trim()
    remember(me.name)
    tell()
  })
  input.addEventListener('change', () => {
    input.value = nameOf(me)
    me.color = choose(me.name, taken()) ?? me.color
    tell()
  })
  input.addEventListener('keydown', event => {
    if (event.key === 'Enter') input.blur()
  })
  tell()

  // Of two users with one colour, the later one takes another. A page that doesn't say when
  // it was opened would keep its colour.
  const yields = () => others().some(([id, { user: { color, since = 0 } }]) => {
    return color === me.color && (since < me.since || (since === me.since && id < awareness.clientID))
  })
  const draw = () => {
    const free = yields() && choose(me.name, taken())
    if (free) {
      me.color = free
      return tell()
    }
    const shown = people().sort(([a], [b]) => (b === awareness.clientID) - (a === awareness.clientID) || a - b)
    list.replaceChildren(...shown.map(([id, { user }]) => {
      const item = paint(document.createElement('li'), user)
      item.textContent = nameOf(user)
      const notes = [id === awareness.clientID && 'you', user.reading === true && 'reading'].filter(Boolean)
      if (notes.length > 0) item.append(Object.assign(document.createElement('small'), { textContent: ` (${notes.join(', ')})` }))
      return item
    }))
    paint(input, me)
  }
  awareness.on('change', draw)
  draw()
  return reading => {
    me.reading = reading
    tell()
  }
}

const key = 'yroom.name'

// A browser can be set to store nothing. Then this throws.
function remembered () {
  try { return localStorage.getItem(key) || undefined } catch { return undefined }
}

function remember (name) {
  try { localStorage.setItem(key, name) } catch {}
}

function made () {
  const pick = words => words[Math.floor(Math.random() * words.length)]
  const name = pick(['Amber', 'Brave', 'Calm', 'Clever', 'Early', 'Gentle', 'Keen', 'Kind', 'Merry', 'Quiet', 'Swift', 'Warm']) + ' ' +
    pick(['Badger', 'Beaver', 'Crane', 'Falcon', 'Fox', 'Hare', 'Heron', 'Lark', 'Lynx', 'Marten', 'Otter', 'Owl', 'Plover', 'Raven', 'Robin', 'Seal', 'Stork', 'Swan', 'Wren'])
  remember(name)
  return name
}

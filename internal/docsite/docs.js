// The pages of the documentation: search, copy buttons, the headings and the versions.

const element = id => document.getElementById(id)
const make = (name, text, attributes = {}) => Object.assign(document.createElement(name), { textContent: text }, attributes)

// A wide window shows the headings beside the text.
const contents = element('contents')
if (contents) {
  const wide = matchMedia('(min-width: 80rem)')
  const fit = () => { contents.open = wide.matches }
  wide.addEventListener('change', fit)
  fit()
}

// The copy buttons. Where the browser denies the page the clipboard (plain http
// on another machine), a button selects the text, for the user to copy.
for (const pre of document.querySelectorAll('article pre')) {
  const button = make('button', 'Copy', { type: 'button' })
  const box = make('div', '', { className: 'code' })
  pre.replaceWith(box)
  box.append(pre, button)
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(pre.textContent)
      button.textContent = 'Copied'
    } catch {
      getSelection().selectAllChildren(pre)
      button.textContent = 'Selected'
    }
    setTimeout(() => { button.textContent = 'Copy' }, 2000)
  })
}

// versions.js lists the versions beside this one, with their pages.
const versions = window.docsVersions ?? []
if (versions.length > 1) {
  const here = location.pathname.split('/').at(-1) || 'index.html'
  const current = element('version').textContent
  const choice = make('select', '', { ariaLabel: 'Version' })
  for (const [version] of versions) choice.append(new Option(version, version, false, version === current))
  choice.addEventListener('change', () => {
    const [version, pages] = versions[choice.selectedIndex]
    location.assign(`../${encodeURIComponent(version)}/${pages.includes(here) ? here + location.hash : 'index.html'}`)
  })
  element('version').replaceChildren(choice)
}

// The search. search.js is loaded when it is first needed.
const most = 20 // results
const query = element('query')
const results = element('results')
let index // a promise of the parts of all pages
let selected = -1

function load () {
  index ??= new Promise((resolve, reject) => {
    const script = make('script', '', { src: 'search.js' })
    script.onload = () => resolve(window.docsIndex.flatMap(([file, page, parts]) => parts.map(([id, title, text], i) => ({
      // The first heading is that of the page.
      address: i === 0 ? file : `${file}#${id}`, page, title, text, lower: text.toLowerCase(), heading: `${title} ${page}`.toLowerCase(), top: i === 0
    }))))
    script.onerror = reject
    document.head.append(script)
  })
  return index
}

// Returns how well a part matches words that are all in it, or 0 if one is missing.
function score (part, words) {
  const phrase = words.join(' ')
  let total = part.heading.includes(phrase) || part.lower.includes(phrase) ? 10 : 0
  for (const word of words) {
    const inHeading = part.heading.indexOf(word)
    const inText = part.lower.split(word).length - 1
    if (inHeading < 0 && inText === 0) return 0
    const begins = inHeading === 0 || /\W/.test(part.heading[inHeading - 1] ?? '')
    total += Math.min(inText, 5) + (inHeading < 0 ? 0 : begins ? 20 : 8) + (part.title.toLowerCase() === word ? 20 : 0) + (part.top && inHeading >= 0 ? 5 : 0)
  }
  return total
}

// Returns the text around the first of the words, in which they are marked.
function excerpt ({ text, lower }, words) {
  const first = Math.min(...words.map(word => lower.indexOf(word)).filter(at => at >= 0), text.length)
  const from = first < 60 || first === text.length ? 0 : text.indexOf(' ', first - 60) + 1
  const shown = make('small', from > 0 ? '… ' : '')
  let rest = text.slice(from, from + 180)
  while (rest !== '') {
    const low = rest.toLowerCase()
    const [at, word] = words.map(word => [low.indexOf(word), word]).filter(([at]) => at >= 0).sort(([a, v], [b, w]) => a - b || w.length - v.length)[0] ?? [rest.length, '']
    shown.append(rest.slice(0, at))
    if (word !== '') shown.append(make('mark', rest.slice(at, at + word.length)))
    rest = rest.slice(at + word.length)
  }
  if (from + 180 < text.length) shown.append(' …')
  return shown
}

function select (i) {
  const options = results.querySelectorAll('a')
  options[selected]?.setAttribute('aria-selected', 'false')
  selected = options.length === 0 ? -1 : (i + options.length) % options.length
  options[selected]?.setAttribute('aria-selected', 'true')
  options[selected]?.scrollIntoView({ block: 'nearest' })
  if (selected < 0) query.removeAttribute('aria-activedescendant')
  else query.setAttribute('aria-activedescendant', options[selected].id)
}

function open (shown) {
  results.hidden = !shown
  query.setAttribute('aria-expanded', String(shown))
}

async function search () {
  const asked = query.value
  const words = asked.toLowerCase().split(/\s+/).filter(word => word !== '')
  let parts
  try {
    parts = await load()
  } catch {
    element('found').textContent = ''
    results.replaceChildren(make('p', 'search.js can’t be loaded, so the search doesn’t work. Reload the page to try again.'))
    open(true)
    return
  }
  if (asked !== query.value) return // more was typed meanwhile
  const found = words.length === 0 ? [] : parts.map(part => [score(part, words), part]).filter(([points]) => points > 0).sort(([a], [b]) => b - a)
  results.replaceChildren(...found.slice(0, most).map(([, part], i) => {
    const option = make('a', '', { href: part.address, id: `result-${i}`, role: 'option', tabIndex: -1, ariaSelected: 'false' })
    option.append(make('b', part.title), part.page === part.title ? '' : ` · ${part.page}`, excerpt(part, words))
    return option
  }))
  select(0)
  element('found').textContent = words.length === 0 ? '' : found.length === 0 ? `Nothing found for ${asked}` : `${found.length} found`
  if (words.length > 0 && found.length === 0) results.replaceChildren(make('p', `Nothing found for “${asked}”.`))
  open(words.length > 0)
}

element('search').hidden = false
if (matchMedia('(pointer: fine)').matches) query.placeholder = 'Search (press /)'
query.addEventListener('focus', () => load().catch(() => {})) // search says what is wrong
query.addEventListener('input', search)
query.addEventListener('keydown', event => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (step) {
    if (results.hidden) search()
    else select(selected + step)
  } else if (event.key === 'Enter') {
    results.querySelectorAll('a')[selected]?.click()
  } else if (event.key === 'Escape') {
    open(false)
  } else {
    return
  }
  event.preventDefault()
})
results.addEventListener('click', event => {
  if (event.target.closest('a')) open(false)
})
document.addEventListener('click', event => {
  if (!element('search').contains(event.target)) open(false)
})
query.addEventListener('blur', event => {
  if (!results.contains(event.relatedTarget)) open(false)
})
document.addEventListener('keydown', event => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea')) return
  event.preventDefault()
  query.focus()
  query.select()
})

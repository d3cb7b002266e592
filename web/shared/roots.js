const pause = 300 // ms between a change and the look at the roots

// showRoots shows which roots the document of a room holds: by a mark at the links to
// the editors, and in words in #roots. Each editor has roots of its own.
export function showRoots (doc) {
  const editors = [...document.querySelectorAll('#demos a')].map(link => ({ link, roots: link.dataset.root.split(' ') }))
  const sentence = document.getElementById('roots')
  const own = editors.find(({ link }) => link.ariaCurrent === 'page').roots
  let timer

  const draw = () => {
    timer = undefined
    const held = [...doc.share.keys()].filter(root => holds(doc.share.get(root))).sort()
    for (const { link, roots } of editors) {
      const full = roots.some(root => held.includes(root))
      link.classList.toggle('holds', full)
      link.title = `${named(roots)} ${full ? 'with content' : 'without content'}`
    }
    const others = held.filter(root => !own.includes(root)).map(root => {
      const editor = editors.find(({ roots }) => roots.includes(root))
      return `“${root}”` + (editor ? ` (${editor.link.textContent})` : '')
    })
    const text = `This editor edits the ${named(own)} of the room’s document. ` +
      (others.length > 0 ? `The document also holds ${list(others)}. ` : 'The document holds no other root. ') +
      'Each editor has its own, so none shows what was written in another.'
    if (sentence.textContent !== text) sentence.textContent = text
  }
  doc.on('afterTransaction', ({ changed }) => {
    if (changed.size > 0) timer ??= setTimeout(draw, pause)
  })
  draw()
}

// holds reports whether a root type has anything that isn't deleted.
function holds (type) {
  for (let item = type._start; item !== null; item = item.right) if (!item.deleted) return true
  return [...type._map.values()].some(item => !item.deleted)
}

const named = roots => `${roots.length > 1 ? 'roots' : 'root'} ${list(roots.map(root => `“${root}”`))}`

const list = words => words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`

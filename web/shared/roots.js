const pause = 300 // ms between a change and the look at the roots

// showRoots shows which roots the document of a room holds: by a mark at the links to
// the editors, and in words in #roots. Each editor has a root of its own.
export function showRoots (doc) {
  const links = [...document.querySelectorAll('#demos a')]
  const sentence = document.getElementById('roots')
  const edited = links.find(({ ariaCurrent }) => ariaCurrent === 'page').dataset.root
  let timer

  const draw = () => {
    timer = undefined
    const held = [...doc.share.keys()].filter(root => holds(doc.share.get(root))).sort()
    for (const link of links) {
      const full = held.includes(link.dataset.root)
      link.classList.toggle('holds', full)
      link.title = `The root “${link.dataset.root}”, ${full ? 'which holds something' : 'which is empty'}`
    }
    const others = held.filter(root => root !== edited).map(root => {
      const link = links.find(({ dataset }) => dataset.root === root)
      return link ? `“${root}” (${link.textContent})` : `“${root}”`
    })
    const text = `This editor edits the root “${edited}” of the room’s document. ` +
      (others.length > 0 ? `The document also holds ${list(others)}. ` : 'The document holds no other root. ') +
      'Each editor has a root of its own, so none shows what was written in another.'
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

const list = words => words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`

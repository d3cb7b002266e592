// Describes the content of a document of yjs 13 or yjs 14 in one way, so that both can be compared.

// Returns the content of all roots as a string.
export function showAny (doc) {
  const roots = [...doc.share].map(([name, type]) => [name, show(type)]).filter(([, { list, map }]) => list.length + map.length > 0)
  return JSON.stringify(roots.sort(byKey))
}

// Returns the text of the root text, without formats and what else may be in it.
export const textOf = doc => show(doc.get('text')).list.map(({ text }) => text ?? '').join('')

function show (type) {
  const list = []
  const formats = new Map()
  for (let item = type._start; item !== null; item = item.right) {
    if (item.deleted) continue
    const { content } = item
    if (content.key !== undefined) { // a format begins or ends
      if (content.value === null) formats.delete(content.key)
      else formats.set(content.key, content.value)
      continue
    }
    const format = JSON.stringify([...formats].sort(byKey))
    const last = list.at(-1)
    if (content.str === undefined) list.push(...values(content).map(value => ({ value, format })))
    else if (last?.text !== undefined && last.format === format) last.text += content.str
    else list.push({ text: content.str, format })
  }
  const entries = [...type._map].filter(([, item]) => !item.deleted)
  return { list, map: entries.map(([key, { content }]) => [key, values(content).at(-1)]).sort(byKey) }
}

const values = content => content.type ? [show(content.type)] : content.getContent()

const byKey = ([a], [b]) => a < b ? -1 : a > b ? 1 : 0

import * as Y from 'yjs'

// asXML returns a fragment as indented XML. Text with marks is in elements named
// after them, as ProseMirror would write it.
export function asXML (fragment) {
  return fragment.toArray().map(node => write(node, '')).join('')
}

function write (node, indent) {
  if (node instanceof Y.XmlText) return indent + text(node) + '\n'
  const tag = node.nodeName + attributes(node.getAttributes())
  const children = node.toArray()
  if (children.length === 0) return `${indent}<${tag}/>\n`
  if (children.every(child => child instanceof Y.XmlText)) {
    return `${indent}<${tag}>${children.map(text).join('')}</${node.nodeName}>\n`
  }
  return `${indent}<${tag}>\n${children.map(child => write(child, indent + '  ')).join('')}${indent}</${node.nodeName}>\n`
}

function text (node) {
  return node.toDelta().map(({ insert, attributes: marks = {} }) => {
    const content = typeof insert === 'string' ? escape(insert) : escape(JSON.stringify(insert))
    return Object.entries(marks).reduce((inner, [name, value]) => `<${name}${attributes(value)}>${inner}</${name}>`, content)
  }).join('')
}

function attributes (values) {
  return Object.entries(Object(values))
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => ` ${name}="${escape(String(value))}"`).join('')
}

const escape = text => text.replace(/[&<>"]/g, char => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char])

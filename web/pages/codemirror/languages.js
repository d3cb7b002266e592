import { StreamLanguage } from '@codemirror/language'

const mode = async (module, name) => StreamLanguage.define((await module)[name])

// Each language has a name, the ends of the names of its files, what one level is indented
// by, and load(), which loads its grammar. A page loads at most one.
const languages = [
  ['C++', 'c h cc cpp cxx hpp', '    ', async () => (await import('@codemirror/lang-cpp')).cpp()],
  ['CSS', 'css', '  ', async () => (await import('@codemirror/lang-css')).css()],
  ['Dockerfile', 'dockerfile', '    ', () => mode(import('@codemirror/legacy-modes/mode/dockerfile'), 'dockerFile')],
  ['Go', 'go', '\t', async () => (await import('@codemirror/lang-go')).go()],
  ['HTML', 'html htm', '  ', async () => (await import('@codemirror/lang-html')).html()],
  ['Java', 'java', '    ', async () => (await import('@codemirror/lang-java')).java()],
  ['JavaScript', 'js mjs cjs jsx', '  ', async () => (await import('@codemirror/lang-javascript')).javascript({ jsx: true })],
  ['JSON', 'json', '  ', async () => (await import('@codemirror/lang-json')).json()],
  ['Markdown', 'md markdown', '  ', async () => (await import('@codemirror/lang-markdown')).markdown()],
  ['PHP', 'php', '    ', async () => (await import('@codemirror/lang-php')).php()],
  ['Python', 'py pyi', '    ', async () => (await import('@codemirror/lang-python')).python()],
  ['Ruby', 'rb', '  ', () => mode(import('@codemirror/legacy-modes/mode/ruby'), 'ruby')],
  ['Rust', 'rs', '    ', async () => (await import('@codemirror/lang-rust')).rust()],
  ['Shell', 'sh bash', '  ', () => mode(import('@codemirror/legacy-modes/mode/shell'), 'shell')],
  ['SQL', 'sql', '  ', async () => (await import('@codemirror/lang-sql')).sql()],
  ['TOML', 'toml', '  ', () => mode(import('@codemirror/legacy-modes/mode/toml'), 'toml')],
  ['TypeScript', 'ts tsx', '  ', async () => (await import('@codemirror/lang-javascript')).javascript({ jsx: true, typescript: true })],
  ['XML', 'xml svg', '  ', async () => (await import('@codemirror/lang-xml')).xml()],
  ['YAML', 'yaml yml', '  ', async () => (await import('@codemirror/lang-yaml')).yaml()]
].map(([name, ends, indent, load]) => ({ name, ends: ends.split(' '), indent, load }))

// languageOf returns the language of a room by the end of its name, as in "notes.py", or
// undefined.
export function languageOf (room) {
  const end = room.slice(room.lastIndexOf('.') + 1).toLowerCase()
  return room.includes('.') ? languages.find(({ ends }) => ends.includes(end)) : undefined
}

// Bundles snippets of JavaScript, as a page's build would: node bundle.mjs < snippets.json
// The input is a list of {name, code}. A snippet whose first line is "// FILE" can be imported by others as ./FILE.
// The output is a list of what is wrong: syntax, packages that aren't there, names that they don't export.
import { build } from 'esbuild'
import { text } from 'node:stream/consumers'

const snippets = JSON.parse(await text(process.stdin))
const files = new Map()
for (const { code } of snippets) {
  const file = /^\/\/ (\S+\.js)\n/.exec(code)
  if (file) files.set('./' + file[1], code)
}

const shared = {
  name: 'shared snippets',
  setup ({ onLoad, onResolve }) {
    onResolve({ filter: /^\.\/[^/]+\.js$/ }, ({ path, importer }) =>
      importer === '<stdin>' && files.has(path) ? { path, namespace: 'shared' } : undefined)
    onLoad({ filter: /.*/, namespace: 'shared' }, ({ path }) => ({ contents: files.get(path), resolveDir: import.meta.dirname }))
  }
}

const wrong = []
for (const { name, code } of snippets) {
  const { errors, warnings } = await build({
    stdin: { contents: code, resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    format: 'esm',
    platform: code.includes("from 'ws'") ? 'node' : 'browser',
    loader: { '.ttf': 'empty' },
    outdir: 'out',
    logLevel: 'silent',
    plugins: [shared]
  }).catch(failure => failure)
  for (const { text, location } of [...errors, ...warnings]) {
    wrong.push(`${name}: ${text}${location?.file === '<stdin>' ? ` (its line ${location.line})` : ''}`)
  }
}
console.log(JSON.stringify(wrong))

// Bundles snippets of JavaScript as the build of a page does: node bundle.mjs < snippets.json
// The input is a list of {name, code}. A snippet whose first line is "// FILE" can be imported by others as ./FILE.
// The output is a list of errors: wrong syntax, missing packages, missing exports.
import { build } from 'esbuild'
import { text } from 'node:stream/consumers'

const snippets = JSON.parse(await text(process.stdin))
const files = new Map()
for (const { code } of snippets) {
  const file = /^\/\/ (\S+\.js)\n/.exec(code)
  if (file) files.set('./' + file[1], code)
}

// Each snippet is an entry point, snippet:NUMBER.
const plugin = {
  name: 'snippets',
  setup ({ onLoad, onResolve }) {
    onResolve({ filter: /^snippet:\d+$/ }, ({ path }) => ({ path: path.slice('snippet:'.length), namespace: 'snippet' }))
    onResolve({ filter: /^\.\// }, ({ path, namespace }) =>
      namespace === 'snippet' && files.has(path) ? { path, namespace: 'shared' } : undefined)
    onLoad({ filter: /.*/, namespace: 'snippet' }, ({ path }) => ({ contents: snippets[path].code, resolveDir: import.meta.dirname }))
    onLoad({ filter: /.*/, namespace: 'shared' }, ({ path }) => ({ contents: files.get(path), resolveDir: import.meta.dirname }))
  }
}

const forNode = ({ code }) => code.includes("from 'ws'") || code.includes("from 'node:")
const wrong = []
for (const platform of ['browser', 'node']) {
  const { errors, warnings } = await build({
    entryPoints: snippets.flatMap((snippet, i) => forNode(snippet) === (platform === 'node') ? { in: `snippet:${i}`, out: `${i}` } : []),
    bundle: true,
    splitting: true,
    write: false,
    format: 'esm',
    platform,
    loader: { '.ttf': 'empty' },
    outdir: 'out',
    logLevel: 'silent',
    logLimit: 0,
    plugins: [plugin]
  }).catch(failure => failure)
  for (const { text, location } of [...errors, ...warnings]) {
    const [, number] = /^snippet:(\d+)$/.exec(location?.file) ?? []
    wrong.push(number ? `${snippets[number].name}: ${text} (its line ${location.line})` : text)
  }
}
console.log(JSON.stringify(wrong))

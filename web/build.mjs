// Builds each page of pages/ into dist/: NAME.html, and in static/ its script and
// style, with a hash of their content in their names.
//
// A page is a folder with index.html, main.js and style.css. The build replaces
// <!-- NAME.html --> in index.html by the content of shared/NAME.html.
import * as esbuild from 'esbuild'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'

process.chdir(import.meta.dirname)
await rm('dist', { recursive: true, force: true })
const pages = await readdir('pages')

const { metafile } = await esbuild.build({
  absWorkingDir: import.meta.dirname,
  entryPoints: pages.flatMap(page => [`pages/${page}/main.js`, `pages/${page}/style.css`]),
  outbase: 'pages',
  outdir: 'dist/static',
  entryNames: '[dir]-[hash]',
  chunkNames: 'shared-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  target: ['chrome123', 'firefox120', 'safari17.5'], // the first that support light-dark()
  minify: true,
  legalComments: 'none', // they are in licences.txt
  metafile: true,
  logLevel: 'warning'
})

const address = {} // of a built file, by the name of its source
for (const [file, { entryPoint, bytes }] of Object.entries(metafile.outputs)) {
  if (entryPoint) address[entryPoint] = '/static/' + basename(file)
  console.log(`${(bytes / 1000).toFixed(1).padStart(7)} kB  ${file}`)
}

for (const page of pages) {
  let html = await readFile(`pages/${page}/index.html`, 'utf8')
  for (const [comment, part] of html.matchAll(/<!-- (\w+\.html) -->/g)) {
    html = html.replace(comment, (await readFile(`shared/${part}`, 'utf8')).trim())
  }
  html = html
    .replace('"main.js"', `"${address[`pages/${page}/main.js`]}"`)
    .replace('"style.css"', `"${address[`pages/${page}/style.css`]}"`)
  await writeFile(`dist/${page}.html`, html)
}

// The bundles contain other people's work. Their licences allow that if they are
// distributed along with it.
const packages = new Set(Object.keys(metafile.inputs).map(file => file.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]))
packages.delete(undefined)
const licences = await Promise.all([...packages].sort().map(async name => {
  const file = (await readdir(`node_modules/${name}`)).find(file => /^licen[cs]e/i.test(file))
  if (!file) throw new Error(`${name} has no licence file`)
  const { version } = JSON.parse(await readFile(`node_modules/${name}/package.json`, 'utf8'))
  return `${name} ${version}\n\n${(await readFile(`node_modules/${name}/${file}`, 'utf8')).trim()}\n`
}))
await writeFile('dist/static/licences.txt', licences.join('\n' + '-'.repeat(78) + '\n\n'))

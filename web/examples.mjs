// Bundles the scripts of each example that has a page, examples/NAME/page/*.js, with their
// libraries into examples/NAME/page/dist, where the page finds them.
import * as esbuild from 'esbuild'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

const examples = join(import.meta.dirname, '../examples')
for (const name of await readdir(examples)) {
  const page = join(examples, name, 'page')
  const scripts = (await readdir(page).catch(() => [])).filter(file => file.endsWith('.js'))
  if (scripts.length === 0) continue
  await rm(join(page, 'dist'), { recursive: true, force: true })
  await esbuild.build({
    entryPoints: scripts.map(script => join(page, script)),
    outdir: join(page, 'dist'),
    nodePaths: [join(import.meta.dirname, 'node_modules')],
    bundle: true,
    format: 'esm',
    target: ['chrome123', 'firefox120', 'safari17.5'],
    minify: true,
    logLevel: 'warning'
  })
}

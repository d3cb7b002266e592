// Bundles the script of each example that has a page, examples/NAME/page/editor.js, with
// its libraries into examples/NAME/page/dist, where the example embeds it.
import * as esbuild from 'esbuild'
import { access, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

const examples = join(import.meta.dirname, '../examples')
for (const name of await readdir(examples)) {
  const page = join(examples, name, 'page')
  const source = join(page, 'editor.js')
  if (await access(source).then(() => false, () => true)) continue
  await rm(join(page, 'dist'), { recursive: true, force: true })
  await esbuild.build({
    entryPoints: [source],
    outdir: join(page, 'dist'),
    nodePaths: [join(import.meta.dirname, 'node_modules')],
    bundle: true,
    format: 'esm',
    target: ['chrome123', 'firefox120', 'safari17.5'],
    minify: true,
    logLevel: 'warning'
  })
}

// valtio with valtio-yjs.
import { proxy, snapshot } from 'valtio/vanilla'
import { bind as bindProxy } from 'valtio-yjs'

export const packages = ['valtio', 'valtio-yjs']

export const bind = (doc) => {
  const state = proxy({})
  const unbind = bindProxy(state, doc.getMap('valtio'))
  const steps = [
    (author) => { state[`list${author}`] = ['a', { by: author }, 'c'] },
    (author) => { state[`list${author}`][1].done = true; state.shared = { n: author, deep: { text: '🌍' } } },
    (author) => { state[`list${author}`].splice(0, 1); state.shared.n = 0.5 },
    (author) => { if (author === 1) delete state.list0; state[`flag${author}`] = null }
  ]
  return { turns: true, rounds: steps.length, act: (author, round) => steps[round](author), view: () => snapshot(state), close: unbind }
}

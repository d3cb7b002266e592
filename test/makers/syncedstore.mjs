// SyncedStore.
import { syncedStore, getYjsValue } from '@syncedstore/core'

export const packages = ['@syncedstore/core']

export const bind = (doc) => {
  const store = syncedStore({ todos: [], settings: {}, title: 'text', page: 'xml' }, doc)
  const steps = [
    (author) => {
      store.todos.push({ title: `by ${author} 🌍`, done: false, tags: ['a', author], at: null, weight: 1.5 })
      store.settings[`person${author}`] = { colour: 'red', nested: { deep: [true] } }
      store.title.insert(0, `Title ${author} `)
    },
    (author) => { store.todos[author - 1].done = true; store.settings.last = author },
    (author) => { if (author < 3) store.todos.splice(0, 1); delete store.settings[`person${author}`] },
    (author) => { store.todos[0].tags.push('z', { author }); store.title.format(0, 3, { bold: true }); store.title.delete(4, 2) }
  ]
  const plain = () => JSON.parse(JSON.stringify({ todos: store.todos, settings: store.settings }))
  return {
    turns: true,
    rounds: steps.length,
    act: (author, round) => doc.transact(() => steps[round](author)),
    view: () => ({ ...plain(), title: getYjsValue(store.title)?.toDelta() ?? store.title.toDelta() }),
    close: () => {}
  }
}

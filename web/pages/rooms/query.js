// What the page asks for is in its address, so that it stays the same after a reload.
const fields = ['search', 'show', 'sort', 'order', 'after', 'skip']
const values = new URLSearchParams(location.search)

// query holds what the page asks for.
export const query = {
  get: field => values.get(field) ?? '',

  // set changes fields, whose values may be empty.
  set: changes => {
    for (const [field, value] of Object.entries(changes)) {
      if (value === '') values.delete(field)
      else values.set(field, value)
    }
    history.replaceState(null, '', values.size > 0 ? '?' + values : location.pathname)
  },

  address: () => '/rooms.json?' + new URLSearchParams(fields.filter(field => values.has(field)).map(field => [field, values.get(field)]))
}

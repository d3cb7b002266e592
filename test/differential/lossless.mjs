// Finds values that V1 can't represent: it writes embeds and the values of formats as JSON.

import * as Y from 'yjs'

// Reports whether V1 represents everything that an update has in V2.
export function lossless ({ v2 }) {
  return Y.decodeUpdateV2(v2).structs.every(({ content }) => {
    if (content instanceof Y.ContentEmbed) return isJSON(content.embed)
    return !(content instanceof Y.ContentFormat) || isJSON(content.value)
  })
}

function isJSON (value) {
  switch (typeof value) {
    case 'undefined':
    case 'bigint': return false
    case 'number': return Number.isFinite(value) && !Object.is(value, -0)
    case 'object': return value === null || (!(value instanceof Uint8Array) && Object.values(value).every(isJSON))
    default: return true
  }
}

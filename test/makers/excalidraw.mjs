// Excalidraw's elements and files with y-excalidraw. The scene has no canvas.
import { ExcalidrawBinding } from 'y-excalidraw'

export const packages = ['y-excalidraw']

const scene = () => {
  let elements = []
  const files = {}
  const listeners = new Set()
  const none = () => () => {}
  return {
    getSceneElements: () => elements,
    getFiles: () => files,
    getAppState: () => ({ selectedElementIds: {} }),
    onChange: (listener) => { listeners.add(listener); return () => listeners.delete(listener) },
    onPointerUpdate: none,
    onScrollChange: none,
    updateScene: (update) => { if (update.elements) elements = update.elements },
    addFiles: (added) => { for (const file of added) files[file.id] = file },
    draw: (next) => {
      elements = next
      for (const listener of listeners) listener(elements, { selectedElementIds: {} }, files)
    }
  }
}

export const bind = (doc, awareness) => {
  const api = scene()
  const binding = new ExcalidrawBinding(doc.getArray('elements'), doc.getMap('assets'), api, awareness)
  const shape = (id, author) => ({ id, type: 'rectangle', x: author, y: 2.5, width: 10, version: 1, groupIds: ['g'], boundElements: null, customData: { by: author } })
  const steps = [
    (author) => api.draw([...api.getSceneElements(), shape(`a${author}`, author), shape(`b${author}`, author)]),
    (author) => api.draw(api.getSceneElements().map((e) => e.id === `a${author}` ? { ...e, x: -7, version: 2 } : e)),
    (author) => {
      api.addFiles([{ id: `file${author}`, mimeType: 'image/png', dataURL: 'data:image/png;base64,AA==' }])
      api.draw([...api.getSceneElements()].reverse())
    },
    (author) => api.draw(api.getSceneElements().filter((e) => e.id !== `b${author}`))
  ]
  return {
    turns: true,
    rounds: steps.length,
    act: (author, round) => steps[round](author),
    view: () => ({ elements: api.getSceneElements(), files: api.getFiles() }),
    close: () => binding.destroy()
  }
}

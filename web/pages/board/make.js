// make returns a new element with properties.
export const make = (name, properties) => Object.assign(document.createElement(name), properties)

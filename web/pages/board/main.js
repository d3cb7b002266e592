import { enter } from '../../shared/room.js'

const { provider } = enter(doc => JSON.stringify(doc.getMap('board').toJSON(), null, 2))
provider.connect()

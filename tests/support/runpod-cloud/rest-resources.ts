import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { dataCentres } from './catalogue.ts'
import type { StateStore } from './cloud-state.ts'
import { notThere, problem, readBody, type RestRoute } from './rest-router.ts'

const templateSchema = z.strictObject({
  name: z.string().min(1),
  image: z.string(),
  serverless: z.boolean().default(false),
  env: z.record(z.string(), z.string()).default({}),
  disk: z.int().min(1).default(20),
  registry: z.string().optional(),
  args: z.string().optional(),
  ports: z.array(z.string()).default([]),
  category: z.string().optional(),
  public: z.boolean().default(false),
})
const volumeSchema = z.strictObject({
  name: z.string().min(1),
  size: z.int().min(10).max(4096),
  dataCenter: z.string(),
  type: z.enum(['STANDARD', 'HIGH_PERFORMANCE']).default('STANDARD'),
})
const volumePatchSchema = z.strictObject({ name: z.string().min(1).optional(), size: z.int().min(10).max(4096).optional() })

/** Templates and network volumes over REST v2; a volume is a folder. */
export function resourceRoutes(store: StateStore, folder: string): readonly RestRoute[] {
  return [...templateRoutes(store), ...volumeRoutes(store, folder)]
}

function templateRoutes(store: StateStore): readonly RestRoute[] {
  const { templates } = store.data
  const find = (id: string | undefined) => templates.find((template) => template.id === id)
  return [
    { name: 'templates.list', method: 'GET', path: 'templates', scope: 'read', handle: () => ({ status: 200, body: { templates } }) },
    {
      name: 'templates.create',
      method: 'POST',
      path: 'templates',
      scope: 'write',
      async handle({ exchange }) {
        const body = await readBody(exchange, templateSchema)
        if ('refusal' in body) return body.refusal
        const template = { id: store.newId('tpl'), ...body.value }
        templates.push(template)
        await store.save()
        return { status: 201, body: template }
      },
    },
    {
      name: 'templates.get',
      method: 'GET',
      path: 'templates/:id',
      scope: 'read',
      handle({ parameters }) {
        const template = find(parameters['id'])
        return template === undefined ? notThere('template') : { status: 200, body: template }
      },
    },
    {
      name: 'templates.update',
      method: 'PATCH',
      path: 'templates/:id',
      scope: 'write',
      async handle({ exchange, parameters }) {
        const template = find(parameters['id'])
        if (template === undefined) return notThere('template')
        const body = await readBody(exchange, templateSchema.partial())
        if ('refusal' in body) return body.refusal
        Object.assign(template, body.value)
        await store.save()
        return { status: 200, body: template }
      },
    },
    {
      name: 'templates.delete',
      method: 'DELETE',
      path: 'templates/:id',
      scope: 'write',
      async handle({ parameters }) {
        const template = find(parameters['id'])
        if (template === undefined) return notThere('template')
        if (store.data.endpoints.some((endpoint) => endpoint.templateId === template.id)) {
          return problem(409, 'Conflict', 'the template is used by an endpoint')
        }
        templates.splice(templates.indexOf(template), 1)
        await store.save()
        return { status: 204 }
      },
    },
  ]
}

function volumeRoutes(store: StateStore, folder: string): readonly RestRoute[] {
  const { volumes } = store.data
  const find = (id: string | undefined) => volumes.find((volume) => volume.id === id)
  return [
    {
      name: 'network-volumes.list',
      method: 'GET',
      path: 'network-volumes',
      scope: 'read',
      handle: () => ({ status: 200, body: { networkVolumes: volumes } }),
    },
    {
      name: 'network-volumes.create',
      method: 'POST',
      path: 'network-volumes',
      scope: 'write',
      async handle({ exchange }) {
        const body = await readBody(exchange, volumeSchema)
        if ('refusal' in body) return body.refusal
        const centre = dataCentres.find((candidate) => candidate.id === body.value.dataCenter)
        if (centre?.networkVolumeTypes.includes(body.value.type) !== true) {
          return problem(400, 'Bad Request', `data center ${body.value.dataCenter} has no ${body.value.type} network volumes`)
        }
        const volume = { id: store.newId('vol'), ...body.value }
        volumes.push(volume)
        await mkdir(join(folder, 'volumes', volume.id), { recursive: true })
        await store.save()
        return { status: 201, body: volume }
      },
    },
    {
      name: 'network-volumes.get',
      method: 'GET',
      path: 'network-volumes/:id',
      scope: 'read',
      handle({ parameters }) {
        const volume = find(parameters['id'])
        return volume === undefined ? notThere('network volume') : { status: 200, body: volume }
      },
    },
    {
      name: 'network-volumes.update',
      method: 'PATCH',
      path: 'network-volumes/:id',
      scope: 'write',
      async handle({ exchange, parameters }) {
        const volume = find(parameters['id'])
        if (volume === undefined) return notThere('network volume')
        const body = await readBody(exchange, volumePatchSchema)
        if ('refusal' in body) return body.refusal
        if ((body.value.size ?? volume.size) < volume.size) return problem(400, 'Bad Request', 'a network volume can only grow')
        Object.assign(volume, body.value)
        await store.save()
        return { status: 200, body: volume }
      },
    },
    {
      name: 'network-volumes.delete',
      method: 'DELETE',
      path: 'network-volumes/:id',
      scope: 'write',
      async handle({ parameters }) {
        const volume = find(parameters['id'])
        if (volume === undefined) return notThere('network volume')
        if (store.data.endpoints.some((endpoint) => endpoint.networkVolumes.includes(volume.id))) {
          return problem(409, 'Conflict', 'the network volume is attached to an endpoint')
        }
        volumes.splice(volumes.indexOf(volume), 1)
        await rm(join(folder, 'volumes', volume.id), { recursive: true, force: true })
        await store.save()
        return { status: 204 }
      },
    },
  ]
}

import { z } from 'zod'

const datasetTabSchema = z.enum(['overview', 'rows', 'issues', 'tokens', 'duplicates', 'splits', 'versions'])
/** One part of a dataset's page, as it stands in the address. */
export type DatasetTab = z.infer<typeof datasetTabSchema>

/** What the address of a dataset's page may say after the question mark. */
export const datasetSearchSchema = z.object({ tab: datasetTabSchema.optional().catch(undefined) })

/** The tab of that name; the overview for any other name. */
export function tabOf(name: string): DatasetTab {
  return datasetTabSchema.catch('overview').parse(name)
}

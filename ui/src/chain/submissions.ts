/** What was submitted to the contract, as an archive tells it; `read-chain.ts` checks the list against the account. */
import { z } from 'zod';
import { ask } from './graphql.js';

const digits = z.string().regex(/^\d{1,78}$/, 'a number in decimal');

const schema = z.object({
  actions: z
    .array(
      z.object({
        blockInfo: z.object({
          height: z.number(),
          timestamp: z.string(),
          globalSlotSinceGenesis: z.number().int().nonnegative().nullish(),
          chainStatus: z.string(),
        }),
        actionData: z.array(
          z.object({
            data: z.array(digits),
            transactionInfo: z.object({ hash: z.string(), status: z.string() }).nullish(),
          }),
        ),
      }),
    )
    .nullable(),
});

const QUERY = `query ($input: ActionFilterOptionsInput!) {
  actions(input: $input) {
    blockInfo { height timestamp globalSlotSinceGenesis chainStatus }
    actionData { data transactionInfo { hash status } }
  }
}`;

/** Everything but `fields` is the archive's word. */
export interface Submission {
  fields: string[];
  height: number;
  /** milliseconds since 1970 */
  time: number;
  slot?: number;
  transaction?: string;
}

/** Oldest first. @throws NODE_UNAVAILABLE, BAD_ANSWER */
export async function fetchSubmissions(archive: string, address: string): Promise<Submission[]> {
  const { actions } = await ask(archive, QUERY, { input: { address } }, schema);
  return (actions ?? [])
    .filter(({ blockInfo }) => blockInfo.chainStatus !== 'orphaned')
    .sort((a, b) => a.blockInfo.height - b.blockInfo.height)
    .flatMap(({ blockInfo, actionData }) =>
      actionData.map(({ data, transactionInfo }) => ({
        fields: data,
        height: blockInfo.height,
        time: Number(blockInfo.timestamp),
        slot: blockInfo.globalSlotSinceGenesis ?? undefined,
        transaction: transactionInfo?.hash,
      })),
    );
}

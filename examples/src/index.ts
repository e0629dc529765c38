export { Bounty, BountyTerms } from './bounty.js';
export { checkAnswer } from './check-answer.js';
export { claimBounty, offerBounty } from './claim-bounty.js';
export { watch } from './watch.js';

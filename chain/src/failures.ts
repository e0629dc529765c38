/** What the reasons mean for which a network refuses or fails a transaction, in words. */

/** As the daemon reports it: index 0 is the fee payer, 1 the first account update. */
export interface FailureReason {
  index: string;
  failures: string[];
}

const MEANINGS: Record<string, string> = {
  Predicate: 'a condition on the account did not hold',
  Source_not_present: 'the sending account does not exist',
  Receiver_not_present: 'the receiving account does not exist',
  Amount_insufficient_to_create_account:
    'the amount does not cover the fee for creating the receiving account',
  Cannot_pay_creation_fee_in_token: 'the account creation fee can only be paid in MINA',
  Source_insufficient_balance: "the sender's balance is too low for the amount",
  Source_minimum_balance_violation: "the amount is still locked by the account's vesting",
  Receiver_already_exists: 'the account already exists',
  Token_owner_not_caller: "the token's owner did not approve the change",
  Overflow: "a balance would become negative or too large: usually the sender's balance is too low",
  Global_excess_overflow: 'the balance changes do not fit into an amount',
  Local_excess_overflow: 'the balance changes of the token do not fit into an amount',
  Local_supply_increase_overflow: 'the new supply does not fit into an amount',
  Global_supply_increase_overflow: 'the new supply of MINA does not fit into an amount',
  Signed_command_on_zkapp_account: 'the account allows payments by its contract only',
  Zkapp_account_not_present: 'there is no contract at the account',
  Update_not_permitted_balance: "the account's permissions forbid this transfer",
  Update_not_permitted_access: "the account's permissions forbid access with this authorization",
  Update_not_permitted_timing: "the account's permissions forbid changing its vesting",
  Update_not_permitted_delegate: "the account's permissions forbid changing its delegate",
  Update_not_permitted_app_state:
    "the contract's state may only be changed by a proof of the contract",
  Update_not_permitted_verification_key: "the contract's verification key is locked",
  Update_not_permitted_action_state: 'actions may only be dispatched by a proof of the contract',
  Update_not_permitted_zkapp_uri: "the contract's URI is locked",
  Update_not_permitted_token_symbol: "the token's symbol is locked",
  Update_not_permitted_permissions: "the contract's permissions are locked",
  Update_not_permitted_nonce: "the nonce may only be incremented with the account's signature",
  Update_not_permitted_voting_for: "the account's permissions forbid changing its vote",
  Zkapp_command_replay_check_failed:
    'an account update needs the full commitment or a nonce increment as protection against replays',
  Fee_payer_nonce_must_increase: "the fee payer's nonce was not incremented",
  Fee_payer_must_be_signed: 'the fee payer did not sign',
  Account_balance_precondition_unsatisfied: "an account's balance changed in the meantime",
  Account_nonce_precondition_unsatisfied: 'another transaction of the account was included first',
  Account_receipt_chain_hash_precondition_unsatisfied:
    'another transaction of the account was included first',
  Account_delegate_precondition_unsatisfied: "the account's delegate changed in the meantime",
  Account_action_state_precondition_unsatisfied:
    'too many blocks with new attestations came since this was built: build it again',
  Account_proved_state_precondition_unsatisfied:
    'the contract is not initialized, or is already initialized',
  Account_is_new_precondition_unsatisfied:
    'the account exists although it should not, or the reverse',
  Protocol_state_precondition_unsatisfied: "the network's state changed in the meantime",
  Unexpected_verification_key_hash:
    'the proof is for another version of the contract than the deployed one',
  Valid_while_precondition_unsatisfied: 'the transaction came too early or too late',
  Incorrect_nonce: "the nonce is not the account's next one",
  Invalid_fee_excess: 'the balance changes do not add up to the fees',
  Cancelled: 'undone because another part of the transaction failed',
};
for (let i = 0; i < 8; i++) {
  MEANINGS[`Account_app_state_${i}_precondition_unsatisfied`] =
    "the contract's state changed since this was built: build it again";
}

/** Newer networks may have more state fields, and reasons that are not in the list. */
function meaning(code: string): string {
  const known = MEANINGS[code];
  if (known !== undefined) return known;
  if (/^Account_app_state_\d+_precondition_unsatisfied$/.test(code)) {
    return MEANINGS.Account_app_state_0_precondition_unsatisfied;
  }
  return code.replaceAll('_', ' ').toLowerCase();
}

/** One sentence for each distinct cause, without the parts that were only cancelled. */
export function explainFailure(reasons: FailureReason[]): string {
  const causes = reasons.flatMap(({ index, failures }) =>
    failures
      .filter((code) => code !== 'Cancelled')
      .map((code) => {
        const part = index === '0' ? 'fee payer' : `account update ${index}`;
        return `${meaning(code)} (${code}, ${part})`;
      }),
  );
  return causes.length > 0 ? [...new Set(causes)].join('; ') : 'no reason was given';
}

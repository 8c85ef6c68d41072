//! Which fields hold secrets.

use super::Field;

impl Field {
    /// Whether the value is a secret and only ever shown as a fingerprint.
    pub fn is_secret(self) -> bool {
        matches!(
            self,
            Field::Bearer
                | Field::TokenInQuery
                | Field::SessionId
                | Field::ResponseSessionId
                | Field::ResponseClientSecret
                | Field::ClientSecret
                | Field::State
                | Field::Nonce
                | Field::CodeChallenge
                | Field::Code
                | Field::CodeReceived
                | Field::CodeVerifier
                | Field::RefreshToken
                | Field::AccessToken
                | Field::IdToken
                | Field::LastEventId
                | Field::LastSentEventId
                | Field::EventId
                | Field::ParamsRequestState
                | Field::ResultRequestState
                | Field::ParamHeaders
                | Field::ExpectedParamHeaders
                | Field::DpopNonce
                | Field::Token
                | Field::DeviceCode
                | Field::UserCode
                | Field::DpopJti
                | Field::ResponseDpopNonce
        )
    }
}

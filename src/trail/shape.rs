//! What the values of a field look like, in which unit its numbers are, and on which leg a kind of record is seen.
//!
//! `check` refuses a page that compares what cannot be compared, and converts time stamps before it compares them.

use super::schema::{Field, Kind, Leg};

/// What the values of a field look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A text.
    Text,
    /// A list of texts.
    List,
    /// True or false.
    Flag,
    /// A number in this unit.
    Number(Unit),
    /// The table does not say: only asked whether it is there.
    Any,
}

/// The unit of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A count, a place, a status.
    One,
    /// A length of time in seconds.
    Seconds,
    /// A point in time, seconds since the epoch (`NumericDate`, RFC 7519, 2).
    InstantSeconds,
    /// A point in time, microseconds since the epoch, as recorders write it.
    InstantMicroseconds,
}

impl Unit {
    /// Whether numbers of this unit are points in time.
    pub fn is_instant(self) -> bool {
        matches!(self, Unit::InstantSeconds | Unit::InstantMicroseconds)
    }
}

impl Shape {
    /// In words, with an article: `a text`.
    pub fn describe(self) -> &'static str {
        match self {
            Shape::Text => "a text",
            Shape::List => "a list",
            Shape::Flag => "true or false",
            Shape::Number(Unit::One) => "a number",
            Shape::Number(Unit::Seconds) => "a length of time",
            Shape::Number(_) => "a point in time",
            Shape::Any => "not compared with anything",
        }
    }
}

impl Field {
    /// What its values look like.
    pub fn shape(self) -> Shape {
        use Field as F;
        match self {
            F::Accept
            | F::ExposedHeaders
            | F::AllowHeaders
            | F::RequestedHeaders
            | F::BearerJwtAud
            | F::AccessTokenJwtAud
            | F::ChallengeSchemes
            | F::ChallengeScope
            | F::EdgeMarks
            | F::HopMarks
            | F::DocumentAuthorizationServers
            | F::DocumentScopesSupported
            | F::DocumentBearerMethodsSupported
            | F::DocumentCodeChallengeMethodsSupported
            | F::DocumentGrantTypesSupported
            | F::DocumentTokenEndpointAuthMethodsSupported
            | F::DocumentRedirectUris
            | F::RedirectUris
            | F::GrantTypes
            | F::ResponseRedirectUris
            | F::DroppedParameters
            | F::RedirectUriKinds
            | F::DocumentEmptyMembers
            | F::DocumentResponseTypesSupported
            | F::Forms
            | F::ChallengedScope
            | F::HeldScope
            | F::RequestedScope
            | F::EarlierScope
            | F::KeyIds
            | F::ResponseAud
            | F::ResponseScope
            | F::BearerJwtScope
            | F::Scope
            | F::GrantedScope
            | F::Resource
            | F::DuplicateParameters
            | F::MessageKinds
            | F::AnswerKinds
            | F::Members
            | F::BatchKinds
            | F::ParamsCapabilities
            | F::ParamsInputResponses
            | F::ParamsNotifications
            | F::ParamsMembers
            | F::MetaKeys
            | F::MetaMalformedKeys
            | F::MetaMalformedTrace
            | F::MalformedExtensions
            | F::MetaClientCapabilities
            | F::ResultSupportedVersions
            | F::ResultCapabilities
            | F::ResultMembers
            | F::ResultInputMethods
            | F::ResultInputCapabilities
            | F::ResultUnusableHeaders
            | F::ErrorMembers
            | F::ErrorSupported
            | F::ErrorNamedVersions
            | F::ModernVersions
            | F::ErrorRequiredCapabilities
            | F::ParamHeaders
            | F::ExpectedParamHeaders
            | F::HeadersWithoutValue
            | F::UnsafeHeaders
            | F::CacheControl
            | F::CredentialsInQuery
            | F::OriginalScope
            | F::AccessTokenJwtScope
            | F::ChallengeRepeated
            | F::DocumentPlainEndpoints
            | F::DocumentDpopAlgorithms
            | F::AssertionAud
            | F::AssertionResource
            | F::ClientAssertionAud
            | F::Audience
            | F::DeclaredExtensions => Shape::List,
            F::CrossOrigin
            | F::DataEmpty
            | F::ModernServer
            | F::PostedBeforeStream
            | F::ModernError
            | F::SessionGoneNext
            | F::IssuerNamed
            | F::UrlClientIdWorked
            | F::IdReadable
            | F::HasPath
            | F::Succeeded
            | F::TokenExpired
            | F::HeldToken
            | F::AcceptedTokenForgotten
            | F::ClientIdIssued
            | F::AuthenticatesAsRegistered
            | F::RefusedLikeNoToken
            | F::RedirectUriRegistered
            | F::BearerJwtSignatureFits
            | F::BearerJwtVerified
            | F::Active
            | F::RedirectSeen
            | F::CallbackSeen
            | F::Rotated
            | F::InstanceMarksDiffer
            | F::AudienceSameOrigin
            | F::PlainHttp
            | F::PageShown
            | F::ForwardsByParameter
            | F::DpopBoundAccessTokens
            | F::DocumentIssParameterSupported
            | F::DocumentClientIdMetadataDocumentSupported => Shape::Flag,
            F::SentAt | F::AnsweredAt => Shape::Number(Unit::InstantMicroseconds),
            F::BearerJwtExp
            | F::BearerJwtNbf
            | F::BearerJwtIat
            | F::AccessTokenJwtExp
            | F::ResponseClientSecretExpiresAt
            | F::AssertionExp
            | F::ClientAssertionExp
            | F::DpopIat
            | F::ExpiresAt
            | F::ServerDate => Shape::Number(Unit::InstantSeconds),
            F::ExpiresIn => Shape::Number(Unit::Seconds),
            F::Status
            | F::RedirectStatus
            | F::MetadataProbes
            | F::RedirectUriCount
            | F::EarlierRefusals
            | F::Position
            | F::CallbackStatus
            | F::VerdictChanges
            | F::AcceptedUses
            | F::OpenedByStatus
            | F::FirstStatus
            | F::Count
            | F::Attempts
            | F::BatchSize
            | F::ResponseLength
            | F::StreamRetry
            | F::ReconnectDelay
            | F::RetryLeft
            | F::AnswerCount
            | F::EarlierToolLists
            | F::ErrorCode
            | F::Retry
            | F::ProbesWhileWorking
            | F::EraChanges => Shape::Number(Unit::One),
            F::Challenge => Shape::Any,
            _ => Shape::Text,
        }
    }

    /// All values of a derived field that has few of them; `None` where any text may stand there.
    pub fn vocabulary(self) -> Option<&'static [&'static str]> {
        match self {
            Field::RefusalReadsAs => {
                Some(&["missing", "invalid", "insufficient", "session", "version", "origin", "nonce", "none"])
            }
            Field::BearerKind => Some(&["access", "refresh", "id", "code", "unknown"]),
            Field::BearerForm => Some(&["jwt", "opaque"]),
            Field::StepUpAnswer => Some(&["authorize", "refresh", "repeat", "none"]),
            Field::Target => Some(&["resource", "issuer"]),
            Field::Form => Some(&["advertised", "path-inserted", "appended", "root", "other"]),
            Field::Era => Some(&["http+sse", "streamable", "modern"]),
            Field::Sort => Some(&["oauth", "oidc", "request", "notification", "result", "error", "other"]),
            Field::IdType | Field::ErrorCodeType => {
                Some(&["string", "integer", "number", "null", "boolean", "array", "object"])
            }
            Field::Via => Some(&["post", "post-stream", "get-stream"]),
            Field::RedirectUriKind => Some(&["loopback", "https", "http", "private-use", "other"]),
            Field::ClientAuth => Some(&[
                "none",
                "client_secret_basic",
                "client_secret_post",
                "client_secret_jwt",
                "private_key_jwt",
                "several",
            ]),
            _ => None,
        }
    }

    /// The unit of its numbers; `None` where its values are no numbers.
    pub fn unit(self) -> Option<Unit> {
        match self.shape() {
            Shape::Number(unit) => Some(unit),
            _ => None,
        }
    }
}

impl Kind {
    /// The legs on which records of this kind are seen. One visible leg of them is enough to see that there is none.
    pub fn legs(self) -> &'static [Leg] {
        match self {
            Kind::AsMetadataRequest | Kind::RegistrationRequest | Kind::TokenRequest | Kind::TokenResponse => {
                &[Leg::ClientAs]
            }
            Kind::DeviceAuthorizationRequest | Kind::RevocationRequest => &[Leg::ClientAs],
            Kind::IntrospectionRequest => &[Leg::McpAs],
            Kind::ClientMetadataFetch => &[Leg::AsClientMetadata],
            // A pushed request travels from client to authorization server, but the browser still carries its
            // `request_uri` (RFC 9126, 4): where the browser is not seen, none may be said to be missing.
            Kind::AuthorizationRequest => &[Leg::BrowserAs],
            // The redirect and the callback request carry the same answer.
            Kind::AuthorizationResponse => &[Leg::BrowserAs, Leg::BrowserClient],
            Kind::Preflight => &[Leg::ClientMcp, Leg::ClientAs],
            _ => &[Leg::ClientMcp],
        }
    }
}

//! Writes the setters of optional fields, so that each costs one documented line.

/// Adds setters by value for fields of the form `Option<T>`.
macro_rules! setters {
    ($type:ty { $($(#[$doc:meta])* $name:ident: $inner:ty,)+ }) => {
        impl $type {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(mut self, $name: impl Into<$inner>) -> Self {
                    self.$name = Some($name.into());
                    self
                }
            )+
        }
    };
}

/// Adds `from_params` to types that decode by themselves.
macro_rules! from_params {
    ($($type:ty),+ $(,)?) => {
        $(
            impl $type {
                /// Decodes the parameters of a message; absent ones count as `{}`.
                ///
                /// # Errors
                ///
                /// -32602 when they do not fit, saying where.
                pub fn from_params(params: Option<&Raw>) -> Result<Self, RpcError> {
                    decode_params(params)
                }
            }
        )+
    };
}

pub(super) use {from_params, setters};

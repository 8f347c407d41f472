//! What holds for the consents of a customer.

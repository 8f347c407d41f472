//! What a kind of process brings to the server with one line: its host, and with that its wake-ups, its sweep, its drain and its adapter; and
//! for ways to identify a signer, what sign processes ask of all of them. Each brings what its events mean to a reader of the evidence.

/// Makes [`Processes`](super::Processes) from one line per kind of process:
///
/// ```text
/// name: machine, performed by its adapter [, identifies a type of the contract] [, recounted by a function];
/// ```
///
/// An adapter has `fn new(Arc<World>, Processes) -> Self` and is the machine's `Effects`. The machine of a line with `identifies` is an
/// `Identification` whose method is [`Adapted`](super::identification::Adapted), which also describes it in the evidence.
/// That of a line with `recounted by` has a journal under the identifier of the sign process itself: the function says what its events mean.
macro_rules! machines {
    ($( $(#[$doc:meta])* $name:ident: $Machine:ty, performed by $Adapter:ty $(, identifies $Type:ident)? $(, recounted by $meaning:path)?; )+) => {
        /// The hosts of all kinds of processes. Cheap to clone.
        #[derive(Clone)]
        pub struct Processes {
            $( $(#[$doc])* pub $name: ::actors::Host<$Machine>, )+
        }

        impl Processes {
            /// The hosts with their adapters, on the given arbiters.
            pub fn new(world: World, clock: &Clock, options: &Options, metrics: &Metrics, arbiters: &[ArbiterHandle]) -> Self {
                let world = Arc::new(world);
                let processes = Self {
                    $( $name: Host::new(
                        world.store.clone(), clock.clone(), options.clone(), metrics.clone(), arbiters.to_vec(),
                    ), )+
                };
                $( processes.$name.perform_with(Arc::new(<$Adapter>::new(world.clone(), processes.clone()))); )+
                processes
            }

            /// All hosts, for the timer.
            pub fn wakeable(&self) -> Vec<Arc<dyn Wakeable>> {
                vec![$( Arc::new(self.$name.clone()) ),+]
            }

            /// Lets idle processes of all kinds leave memory.
            pub fn sweep(&self) {
                $( self.$name.sweep(); )+
            }

            /// Takes no more work and waits until what is under way has ended, for at most `patience`. `true` if all has ended.
            pub async fn drain(&self, patience: Duration) -> bool {
                let drained: Vec<Pin<Box<dyn Future<Output = bool> + '_>>> = vec![$( Box::pin(self.$name.drain(patience)) ),+];
                join_all(drained).await.into_iter().all(|all_ended| all_ended)
            }

            /// The journals of a sign process itself, with what they tell.
            ///
            /// # Errors
            /// What could not be read.
            async fn recounted(scene: &evidence::Scene<'_>) -> Result<Vec<evidence::Told>, String> {
                let id = scene.process.creation.id;
                Ok(vec![$($( evidence::journal(scene, &scene.processes.$name, id, |event| $meaning(scene, event)).await?, )?)+])
            }

            /// The identifications of one type of the contract.
            fn identifications(&self, kind: IdentificationType) -> &dyn Identifications {
                match kind {
                    $($( IdentificationType::$Type => &self.$name, )?)+
                }
            }
        }

        $( impl Hosted for $Machine {
            fn host(processes: &Processes) -> &::actors::Host<Self> {
                &processes.$name
            }
        } )+
    };
}

pub(super) use machines;
